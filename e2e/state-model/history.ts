import { ACTS, type Severity } from '@tocsin/contracts/wire';
import { SeededRandom } from '../kit/seeded-random';
import { FAULTS, sizeOf, type Asking, type Fault, type Saying, type Step } from './steps';
import type { Said } from './words';

export const TENANTS = 2;
const SERVICES = ['inventory', 'orders'];
/** Only a few, so that messages share a key often. */
const KEYS = ['a', 'b', 'c'];
const CALM = ['high', 'medium', 'low'] as const;
const BEGIN = Date.UTC(2026, 0, 1);
const LONG_SNOOZE_MS = 3_600_000;

/** What a history has sent for one key so far. */
interface Thread {
  severity: Severity;
  clock: number;
}

export interface Possible {
  /** Whether the system accepts a keyed message without a clock. */
  amqp: boolean;
}

/** A random history, as data. It depends on the seed alone, and not on the outcome of its steps. */
export function historyOf(seed: number, size: number, possible: Possible): Step[] {
  const writer = new Writer(new SeededRandom(seed), possible);
  const steps: Step[] = [];
  for (let length = 0; length < size;) {
    const step = writer.next();
    steps.push(step);
    length += sizeOf(step);
  }
  return [...steps, { do: 'rest' }];
}

class Writer {
  private count = 0;
  private readonly threads = new Map<string, Thread>();
  private readonly lastAct: { on: string; user: Asking['user'] }[] = [];
  private readonly said: Saying[][] = Array.from({ length: TENANTS }, () => []);

  constructor(
    private readonly random: SeededRandom,
    private readonly possible: Possible,
  ) {}

  next(): Step {
    const tenant = this.random.between(0, TENANTS - 1);
    const roll = this.random.between(1, 1_000);
    if (this.said[tenant]!.length === 0 || roll <= 480) return this.say(tenant);
    if (roll <= 560) return this.flood(tenant);
    if (roll <= 660) return this.again(tenant);
    if (roll <= 950) return this.act(tenant);
    if (roll <= 994)
      return { do: 'fail', tenant, on: this.someAlert(tenant), fault: this.random.of(Object.keys(FAULTS) as Fault[]) };
    return { do: 'rest' };
  }

  /** One message or several. A batch uses one lane, since the order between two lanes is not promised. */
  private say(tenant: number): Step {
    const many = this.random.of([1, 1, 1, 2, 4, 8]);
    const isUrgent = this.random.between(1, 5) === 1;
    const isByAmqp = !isUrgent && this.possible.amqp && this.random.between(1, 3) === 1;
    const before = Array.from({ length: many - 1 }, () => this.message(tenant, { isUrgent, isByAmqp }));
    if (isByAmqp && many === 1) before.push(this.message(tenant, { isUrgent, isByAmqp }));
    return this.heard({ do: 'say', tenant, messages: [...before, this.message(tenant, { isUrgent })] });
  }

  /** More repeats of one alert than get an entry each. */
  private flood(tenant: number): Step {
    const [service, dedup_key] = [this.random.of(SERVICES), this.random.of(KEYS)];
    const severity = this.thread(tenant, service, dedup_key).severity;
    const isUrgent = severity === 'urgent';
    const messages = Array.from({ length: this.random.between(5, 9) }, () => {
      const { said, ...rest } = this.message(tenant, { isUrgent, service, dedup_key, severity, isFlood: true });
      return { ...rest, said: { ...said, status: 'firing' as const } };
    });
    return this.heard({ do: 'say', tenant, messages });
  }

  /** An id that was used before: with the same body, with its keys in another order, or with other content. */
  private again(tenant: number): Step {
    const { said, door } = this.random.of(this.said[tenant]!);
    const how = this.random.of(['same', 'reordered', 'other'] as const);
    const again: Saying = {
      said: how === 'other' ? { ...said, message: `other ${(this.count += 1)}` } : said,
      door,
      ...(how === 'reordered' && { reordered: true }),
    };
    return {
      do: 'say',
      tenant,
      messages: door === 'http' ? [again] : [again, this.message(tenant, { isUrgent: false })],
    };
  }

  /**
   * An act. In one case of two it is on the alerts of the act before, mostly by the same user, who repeats or undoes
   * it.
   */
  private act(tenant: number): Step {
    const isBulk = this.random.between(1, 5) === 1;
    const last = this.lastAct[tenant];
    const isNext = last !== undefined && this.random.between(1, 2) === 1;
    const on = new Set(
      Array.from({ length: isBulk ? this.random.between(1, 4) : 1 }, () => (isNext ? last.on : this.someAlert(tenant))),
    );
    const act = this.random.of([...ACTS, 'acknowledge', 'resolve', 'unacknowledge', 'reopen'] as const);
    const asking: Asking = {
      user: isNext && this.random.between(1, 3) > 1 ? last.user : this.random.of(['ana', 'ben'] as const),
      act,
      ...(act === 'snooze' && { snoozeMs: this.random.of([300, 700, LONG_SNOOZE_MS, LONG_SNOOZE_MS]) }),
      ...(act === 'assign' && { assignee: this.random.of(['me', 'zoe', null] as const) }),
      ...(act === 'assign' &&
        this.random.between(1, 2) === 1 && { from_assignee: this.random.of(['me', 'zoe', null] as const) }),
      ...((act === 'note' || this.random.between(1, 4) === 1) && { note: `word ${this.random.between(1, 3)}` }),
    };
    this.lastAct[tenant] = { on: [...on][0]!, user: asking.user };
    return { do: 'act', tenant, on: [...on], asking, isBulk };
  }

  private someAlert(tenant: number): string {
    const said = this.said[tenant]!;
    const { service, dedup_key, id } =
      said.length > 0 ? this.random.of(said).said : { service: 'inventory', dedup_key: 'a', id: '' };
    return dedup_key === undefined ? `${service}#${id}` : `${service}/${dedup_key}`;
  }

  private message(
    tenant: number,
    given: {
      isUrgent: boolean;
      isByAmqp?: boolean;
      service?: string;
      dedup_key?: string;
      severity?: Severity;
      isFlood?: true;
    },
  ): Saying {
    const door = given.isByAmqp ? 'amqp' : 'http';
    this.count += 1;
    const service = given.service ?? this.random.of(SERVICES);
    const dedup_key = given.dedup_key ?? (this.random.between(1, 15) === 1 ? undefined : this.random.of(KEYS));
    const thread = this.thread(tenant, service, dedup_key ?? `one ${this.count}`);
    const severity = given.severity ?? (given.isUrgent ? 'urgent' : this.calm(thread.severity));
    const clock = this.clock(thread, door);
    const isResolved = dedup_key !== undefined && this.random.between(1, 4) === 1;
    const isSnapshot = !given.isFlood && dedup_key !== undefined && this.random.between(1, 6) === 1;
    thread.severity = severity;
    if (clock !== undefined) thread.clock = clock;
    const said: Said = {
      id: `m${this.count}`,
      service,
      severity,
      dedup_key,
      status: isResolved ? 'resolved' : this.random.of(['firing', undefined]),
      occurred_at:
        clock === undefined || (isSnapshot && this.random.between(1, 3) === 1)
          ? undefined
          : new Date(clock).toISOString(),
      snapshot: isSnapshot ? true : undefined,
      ...this.description(),
    };
    return { said, door };
  }

  /** Mostly the same severity as before, so that there are repeats. */
  private calm = (before: Severity): Severity =>
    before !== 'urgent' && this.random.between(1, 3) > 1 ? before : this.random.of(CALM);

  /** A clock that advances, is behind, ahead, or unchanged; over AMQP sometimes none. */
  private clock(thread: Thread, door: Saying['door']): number | undefined {
    const now = BEGIN + this.count * 1_000;
    const roll = this.random.between(1, 20);
    if (roll <= 3 && door === 'amqp') return undefined;
    if (roll <= 6) return now - this.random.between(1, 60) * 1_000;
    if (roll <= 8) return now + this.random.between(1, 20) * 1_000;
    return roll <= 11 ? thread.clock : now;
  }

  /** Each message sets some of the fields that describe an alert, and a bare one sets none. */
  private description(): Partial<Said> {
    if (this.random.between(1, 4) === 1) return {};
    const at = this.count;
    const all = {
      type: this.random.of(['alert', 'alert', 'recommendation'] as const),
      name: `name_${at % 7}`,
      title: `Title ${at}`,
      message: `Message ${at}`,
      labels: { at: String(at), site: this.random.of(['north', 'south']) },
      actions: [{ label: `Open ${at}`, url: `https://example.com/${at}` }],
      metadata: { at, of: { some: [at, 'thing'], other: null } },
    };
    return Object.fromEntries(Object.entries(all).filter(() => this.random.between(1, 3) === 1));
  }

  private thread(tenant: number, service: string, key: string): Thread {
    const name = `${tenant} ${service}/${key}`;
    const thread = this.threads.get(name) ?? { severity: this.random.of(CALM), clock: BEGIN };
    this.threads.set(name, thread);
    return thread;
  }

  private heard<S extends Step & { do: 'say' }>(step: S): S {
    this.said[step.tenant]!.push(...step.messages);
    return step;
  }
}
