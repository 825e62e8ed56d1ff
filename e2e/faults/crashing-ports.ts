import {
  Unavailable,
  type ClaimedDelivery,
  type DeadLetter,
  type PlannedEvent,
  type Settlement,
  type StoredEvent,
  type StreamFilter,
  type StreamHead,
  type TenantId,
} from '@tocsin/contracts';
import {
  AlertSource,
  DeliveryQueue,
  EventBus,
  EventLog,
  type AppendResult,
  type ClaimOptions,
  type Claimed,
  type DeadDelivery,
  type Delivery,
  type DeliveryListener,
  type DeliverySession,
  type HintListener,
  type PublishedHint,
  type Settled,
  type SourceQueue,
  type Subscription,
} from '@tocsin/contracts/ports';
import type { Channel } from '@tocsin/contracts/wire';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The points where a fault can happen: before or after a port's method. `after.behind` is a read of the event log that
 * continues after an entry, `after.before` is any read of it. `claim` and `record` are those of the delivery queue,
 * `send` is the call of a provider.
 */
export const POINTS = [
  'append.before',
  'append.committed',
  'after.before',
  'after.behind',
  'heads.before',
  'publish.before',
  'publish.sent',
  'settle.before',
  'claim.before',
  'claim.committed',
  'send.before',
  'send.accepted',
  'record.before',
  'record.committed',
] as const;
export type Point = (typeof POINTS)[number];

/**
 * The kinds of faults. `crash`: the process ends at once, as by kill -9. `fail`: the port throws `Unavailable`. `skip`:
 * the method does nothing and reports success (publish only). `delay:<ms>`: it takes longer. `hold:<file>`: it waits as
 * long as the file exists, and writes a log line about it.
 */
type Fault = { kind: 'crash' | 'fail' | 'skip' } | { kind: 'delay'; ms: number } | { kind: 'hold'; file: string };

/** How often a held process checks whether the file still exists. Milliseconds. */
const LOOK_MS = 10;

interface Failpoint {
  point: Point;
  fault: Fault;
  /** The fault happens only at this call of the point, counted from 1; null: at each call. */
  nth: number | null;
}

/** Written `append.committed=crash@3,after.before=delay:500`. */
export class Failpoints {
  private readonly calls = new Map<Point, number>();

  private constructor(
    private readonly points: readonly Failpoint[],
    private readonly crash: () => void,
  ) {}

  static parse(text: string, crash: () => void = () => process.kill(process.pid, 'SIGKILL')): Failpoints {
    return new Failpoints(text.split(',').filter(Boolean).map(parseFailpoint), crash);
  }

  /** Passes the point, or causes its fault. Resolves to `skip` when the caller should leave out the method. */
  async pass(point: Point): Promise<'go on' | 'skip'> {
    const call = (this.calls.get(point) ?? 0) + 1;
    this.calls.set(point, call);
    for (const { fault } of this.points.filter(
      (one) => one.point === point && (one.nth === null || one.nth === call),
    )) {
      if (fault.kind === 'skip') return 'skip';
      if (fault.kind === 'fail') throw new Unavailable(behind(point), `The failpoint ${point} says so.`);
      if (fault.kind === 'delay') await sleep(fault.ms);
      if (fault.kind === 'hold') await held(point, fault.file);
      if (fault.kind === 'crash') {
        this.crash();
        // the signal takes a moment to arrive: until then this process must not continue
        await new Promise(() => undefined);
      }
    }
    return 'go on';
  }
}

const behind = (point: Point) => (point.startsWith('publish') ? 'bus' : point.startsWith('settle') ? 'queue' : 'log');

async function held(point: Point, file: string): Promise<void> {
  if (!existsSync(file)) return;
  process.stdout.write(`${JSON.stringify({ msg: HELD, point })}\n`);
  while (existsSync(file)) await sleep(LOOK_MS);
}

/** The log line, with the point, of a process that is held there. */
export const HELD = 'held by a failpoint';

function parseFailpoint(text: string): Failpoint {
  const match = /^([a-z.]+)=(?:(crash|fail|skip)|delay:(\d+)|hold:([^@,]+))(?:@(\d+))?$/.exec(text);
  const point = POINTS.find((known) => known === match?.[1]);
  if (!match || !point) throw new Error(`Not a failpoint: ${text}. Points are ${POINTS.join(', ')}.`);
  const [, , word, ms, file, nth] = match;
  const fault: Fault =
    file !== undefined
      ? { kind: 'hold', file }
      : ms !== undefined
        ? { kind: 'delay', ms: Number(ms) }
        : { kind: word as 'crash' | 'fail' | 'skip' };
  return { point, fault, nth: nth === undefined ? null : Number(nth) };
}

/** The event log with failpoints around it. */
export class CrashingEventLog extends EventLog {
  constructor(
    private readonly inner: EventLog,
    private readonly failpoints: Failpoints,
  ) {
    super();
  }

  override async append(planned: readonly PlannedEvent[]): Promise<AppendResult[]> {
    await this.failpoints.pass('append.before');
    const results = await this.inner.append(planned);
    await this.failpoints.pass('append.committed');
    return results;
  }

  override appendFolded() {
    return this.inner.appendFolded();
  }

  override async after(tenant: TenantId, seq: number, limit: number): Promise<StoredEvent[]> {
    await this.failpoints.pass('after.before');
    if (seq > 0) await this.failpoints.pass('after.behind');
    return this.inner.after(tenant, seq, limit);
  }

  override async heads(tenants: readonly TenantId[]): Promise<StreamHead[]> {
    await this.failpoints.pass('heads.before');
    return this.inner.heads(tenants);
  }

  override newest(tenant: TenantId, count: number, passes: StreamFilter) {
    return this.inner.newest(tenant, count, passes);
  }

  override startOf(tenant: TenantId, time: Date) {
    return this.inner.startOf(tenant, time);
  }

  override bury(letters: readonly DeadLetter[]): Promise<void> {
    return this.inner.bury(letters);
  }

  override check(): Promise<void> {
    return this.inner.check();
  }
}

/** The event bus with failpoints around it. */
export class CrashingEventBus extends EventBus {
  constructor(
    private readonly inner: EventBus,
    private readonly failpoints: Failpoints,
  ) {
    super();
  }

  override get connected(): boolean {
    return this.inner.connected;
  }

  override async publish(hints: readonly PublishedHint[]): Promise<void> {
    if ((await this.failpoints.pass('publish.before')) === 'skip') return;
    await this.inner.publish(hints);
    await this.failpoints.pass('publish.sent');
  }

  override subscribe(tenant: TenantId, listener: HintListener): Promise<Subscription> {
    return this.inner.subscribe(tenant, listener);
  }
}

/** The delivery queue with failpoints around claims and settlements. An empty claim passes none. */
export class CrashingDeliveryQueue extends DeliveryQueue {
  constructor(
    private readonly inner: DeliveryQueue,
    private readonly failpoints: Failpoints,
  ) {
    super();
  }

  override async claim(channel: Channel, options: ClaimOptions): Promise<Claimed> {
    await this.failpoints.pass('claim.before');
    const claimed = await this.inner.claim(channel, options);
    if (claimed.deliveries.length > 0) await this.failpoints.pass('claim.committed');
    return claimed;
  }

  override async settle(settlements: readonly Settlement[]): Promise<Settled[]> {
    await this.failpoints.pass('record.before');
    const settled = await this.inner.settle(settlements);
    await this.failpoints.pass('record.committed');
    return settled;
  }

  override extend(held: readonly ClaimedDelivery[], leaseMs: number): Promise<string[]> {
    return this.inner.extend(held, leaseMs);
  }

  override depth() {
    return this.inner.depth();
  }
}

/** The queue with a failpoint between the handling of a message and its acknowledgement. */
export class CrashingAlertSource extends AlertSource {
  constructor(
    private readonly inner: AlertSource,
    private readonly failpoints: Failpoints,
  ) {
    super();
  }

  override get consuming(): boolean {
    return this.inner.consuming;
  }

  override consume(open: (queue: SourceQueue) => DeliveryListener): Promise<void> {
    return this.inner.consume((queue) => this.around(open(queue)));
  }

  override bury(dead: readonly DeadDelivery[]): Promise<void> {
    return this.inner.bury(dead);
  }

  override cancel(): Promise<void> {
    return this.inner.cancel();
  }

  override stop(): Promise<void> {
    return this.inner.stop();
  }

  private around(listener: DeliveryListener): DeliveryListener {
    const pass = (settle: () => void) =>
      void this.failpoints.pass('settle.before').then(settle, () => {
        // what is not acknowledged comes again
      });
    const sessionAround = (session: DeliverySession): DeliverySession => ({
      acknowledgeUpTo: (last: Delivery) => pass(() => session.acknowledgeUpTo(last)),
      acknowledge: (delivery: Delivery) => pass(() => session.acknowledge(delivery)),
      giveBack: (delivery: Delivery) => session.giveBack(delivery),
      park: (delivery: Delivery) => session.park(delivery),
    });
    return {
      untilWanted: () => listener.untilWanted(),
      opened: (session) => listener.opened(sessionAround(session)),
      delivered: (delivery) => listener.delivered(delivery),
      lost: () => listener.lost(),
      get idle() {
        return listener.idle;
      },
    };
  }
}
