import { Refused, TooSlow, type PlannedEvent } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import { Quarantine } from './quarantine';
import { ATTEMPTS_ALONE, type SoonerOrLater, type StoreResult } from './store-result';

/** The most events and bytes of one statement. Larger statements store no more per second and hold locks for longer. */
const MAX_EVENTS = 500;
const MAX_BYTES = 4 * 1024 * 1024;

/** The events of one batch that go through one lane in one statement. */
interface Share {
  events: PlannedEvent[];
  /** About their size, in bytes. */
  bytes: number;
  /** The share before it in the lane is of the same batch, which was too large for one statement. */
  continues: boolean;
  resolve(results: readonly SoonerOrLater[]): void;
  reject(error: unknown): void;
}

/** A part of a batch that goes through one lane in one statement. */
export interface StoredPart {
  /** Where its events stand in the batch. */
  places: readonly number[];
  events: readonly PlannedEvent[];
  /**
   * In the order of `events`. Rejects when the event log was away: events that were stored are duplicates the next
   * time.
   */
  results: Promise<readonly SoonerOrLater[]>;
}

/** Up to this many waiting events, the free lanes share one statement: a statement costs as much as twenty events. */
const TOGETHER = 64;

/**
 * Stores events in lanes, chosen by a hash of the tenant. Statements that run at the same time share no tenant, so they
 * never wait for each other's locks; while PostgreSQL works on one batch, the next is read and planned. A lane takes
 * part in one statement at a time, with all that waits in it; lanes with few events share a statement. Urgent events
 * have a lane of their own. So have suspects, which are stored alone.
 */
export class StoreLanes {
  private readonly rest: StoreLane[];
  private readonly urgent = new StoreLane();
  private readonly suspects = new StoreLane();
  private readonly quarantine: Quarantine;

  constructor(
    private readonly eventLog: EventLog,
    lanes: number,
  ) {
    this.quarantine = new Quarantine(eventLog);
    this.rest = Array.from({ length: lanes }, () => new StoreLane());
  }

  /**
   * Stores a batch, in parts that are done independently. `bytes`: its size as it came. A compressed list may unfold to
   * many times that, so what was parsed is measured too, and what is too large for one statement is divided.
   */
  store(planned: readonly PlannedEvent[], bytes: number, suspect = false): StoredPart[] {
    const places = new Map<StoreLane | Quarantine, number[]>();
    planned.forEach((event, place) => {
      const lane = suspect ? this.suspects : this.laneOf(event);
      const others = places.get(lane);
      if (others) others.push(place);
      else places.set(lane, [place]);
    });
    const parts = Array.from(places, ([lane, all]) =>
      divided(all, planned).map(({ at, size }, index): StoredPart => {
        const events = at.map((place) => planned[place]!);
        const came = Math.ceil((bytes * at.length) / planned.length);
        return { places: at, events, results: lane.add(events, Math.max(came, size), index > 0) };
      }),
    ).flat();
    for (const lanes of [[this.urgent], [this.suspects], this.rest]) this.start(lanes);
    return parts;
  }

  private laneOf({ message: { tenant_id, severity } }: PlannedEvent): StoreLane | Quarantine {
    if (this.quarantine.holds(tenant_id)) return this.quarantine;
    return severity === 'urgent' ? this.urgent : this.rest[hashOf(tenant_id) % this.rest.length]!;
  }

  /** Starts those of the lanes that are free and have events. */
  private start(lanes: readonly StoreLane[]): void {
    const ready = lanes.filter((lane) => !lane.running && lane.waiting.length > 0);
    if (ready.length === 0) return;
    const events = ready.reduce((sum, lane) => sum + lane.waitingEvents, 0);
    for (const sharing of events <= TOGETHER ? [ready] : ready.map((lane) => [lane])) void this.run(sharing, lanes);
  }

  /** Stores in one statement what waits in the lanes `sharing`, and then starts the lanes again. */
  private async run(sharing: readonly StoreLane[], lanes: readonly StoreLane[]): Promise<void> {
    for (const lane of sharing) lane.running = true;
    const shares = sharing.flatMap((lane) => lane.nextShares());
    const events = shares.length === 1 ? shares[0]!.events : shares.flatMap((share) => share.events);
    try {
      deal(shares, await this.append(events));
    } catch (error) {
      // what continues a batch must not be stored before the beginning of that batch
      const rest = sharing.flatMap((lane) => lane.takeContinued());
      if (error instanceof TooSlow) {
        deal(shares, this.quarantine.take(events));
        for (const share of rest) share.resolve(this.quarantine.take(share.events));
      } else fail([...shares, ...rest], error);
    }
    for (const lane of sharing) lane.running = false;
    this.start(lanes);
  }

  /**
   * Stores all events except those that the event log refuses, which are found by halving. So are events of which no
   * statement can be written (a text longer than a string may be): to try them again would stop the lane for ever.
   */
  private async append(planned: readonly PlannedEvent[]): Promise<StoreResult[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.eventLog.append(planned);
      } catch (error) {
        if (!(error instanceof Refused || error instanceof RangeError) || error instanceof TooSlow) throw error;
        if (planned.length === 1 && attempt < ATTEMPTS_ALONE) continue;
        if (planned.length === 1) return [{ outcome: 'refused', detail: error.message }];
        const middle = planned.length >> 1;
        return [...(await this.append(planned.slice(0, middle))), ...(await this.append(planned.slice(middle)))];
      }
    }
  }
}

/** A queue of shares; at most one statement of it runs at a time. */
class StoreLane {
  waiting: Share[] = [];
  running = false;

  get waitingEvents(): number {
    return this.waiting.reduce((sum, { events }) => sum + events.length, 0);
  }

  add(events: PlannedEvent[], bytes: number, continues: boolean): Promise<readonly SoonerOrLater[]> {
    return new Promise((resolve, reject) => this.waiting.push({ events, bytes, continues, resolve, reject }));
  }

  /** Removes the shares that continue the batch of the share taken last. */
  takeContinued(): Share[] {
    const end = this.waiting.findIndex(({ continues }) => !continues);
    return this.waiting.splice(0, end < 0 ? this.waiting.length : end);
  }

  nextShares(): Share[] {
    let size = 0;
    let [events, bytes] = [0, 0];
    for (const share of this.waiting) {
      if (size > 0 && (events + share.events.length > MAX_EVENTS || bytes + share.bytes > MAX_BYTES)) break;
      size += 1;
      events += share.events.length;
      bytes += share.bytes;
    }
    return this.waiting.splice(0, size);
  }
}

/** Divides events of a batch, given by their places, into parts of which each is small enough for one statement. */
function divided(places: readonly number[], planned: readonly PlannedEvent[]): { at: number[]; size: number }[] {
  const parts: { at: number[]; size: number }[] = [];
  let part: (typeof parts)[number] | undefined;
  for (const place of places) {
    const size = sizeOf(planned[place]!);
    if (part && part.at.length < MAX_EVENTS && part.size + size <= MAX_BYTES) {
      part.at.push(place);
      part.size += size;
    } else parts.push((part = { at: [place], size }));
  }
  return parts;
}

/** What an event takes beside its text, labels, actions, metadata and deliveries, and what a delivery takes. Bytes. */
const EVENT_BYTES = 500;
const DELIVERY_BYTES = 100;

/**
 * About how many bytes an event takes in a statement. Only what may be long is measured: this takes a fiftieth of the
 * time in which the event is read, and a walk through all of its fields would take three times as long.
 */
function sizeOf({ message: { message, labels, actions, metadata }, deliveries }: PlannedEvent): number {
  const measured = jsonSize(message) + jsonSize(labels) + jsonSize(actions) + jsonSize(metadata);
  return EVENT_BYTES + measured + deliveries.length * DELIVERY_BYTES;
}

/** About how many bytes a value takes as JSON: escapes are not counted. */
function jsonSize(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 3;
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 1e6 ? 7 : 24;
  if (typeof value !== 'object' || value === null) return 6;
  let size = 3;
  if (Array.isArray(value)) for (const item of value) size += jsonSize(item);
  else
    for (const name of Object.keys(value))
      size += Buffer.byteLength(name) + 3 + jsonSize((value as Record<string, unknown>)[name]);
  return size;
}

function deal(shares: readonly Share[], results: readonly SoonerOrLater[]): void {
  let from = 0;
  for (const { events, resolve } of shares) resolve(results.slice(from, (from += events.length)));
}

function fail(shares: readonly Share[], error: unknown): void {
  for (const { reject } of shares) reject(error);
}

/** A stable hash of the tenant. It only has to spread tenants evenly. */
function hashOf(tenant: string): number {
  let hash = 0;
  for (let at = 0; at < tenant.length; at += 1) hash = (Math.imul(hash, 31) + tenant.charCodeAt(at)) >>> 0;
  return hash;
}
