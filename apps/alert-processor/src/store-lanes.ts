import { Refused, TooSlow, type PlannedEvent } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import { Quarantine } from './quarantine';
import { ATTEMPTS_ALONE, type Announce, type LateResult, type StoreResult } from './store-result';

/** One statement's worth. Larger ones store no more a second and hold locks for longer. */
const MAX_EVENTS = 500;
const MAX_BYTES = 4 * 1024 * 1024;
/** The events of one batch that go by one lane. */
interface Share {
  events: PlannedEvent[];
  /** An upper bound of their size, in bytes. */
  bytes: number;
  resolve(results: readonly (StoreResult | LateResult)[]): void;
  reject(error: unknown): void;
}

/**
 * The way into the log, in lanes by a hash of the tenant: statements that run side by side share no tenant, so that they
 * never wait for each other, and while PostgreSQL works on one the next is read and planned. A lane is one statement at a
 * time, of all that waits for it by then. What is urgent has a lane of its own, and so has what is suspect: it is stored alone.
 */
export class StoreLanes {
  private readonly rest: StoreLane[];
  private readonly urgent: StoreLane;
  private readonly suspects: StoreLane;
  private readonly quarantine: Quarantine;

  constructor(eventLog: EventLog, announce: Announce, lanes: number) {
    this.quarantine = new Quarantine(eventLog, announce);
    const lane = () => new StoreLane(eventLog, announce, this.quarantine);
    this.rest = Array.from({ length: lanes }, lane);
    this.urgent = lane();
    this.suspects = lane();
  }

  /** Stores a batch. The results stand in its order. Rejects when the log was away for any of it; what is stored is a duplicate then. */
  async store(planned: readonly PlannedEvent[], bytes: number, suspect = false): Promise<(StoreResult | LateResult)[]> {
    const results = new Array<StoreResult | LateResult>(planned.length);
    const places = new Map<StoreLane | Quarantine, number[]>();
    planned.forEach((event, place) => {
      const lane = suspect ? this.suspects : this.laneOf(event);
      const others = places.get(lane);
      if (others) others.push(place);
      else places.set(lane, [place]);
    });
    const stored = await Promise.allSettled(
      Array.from(places, async ([lane, at]) => {
        const events = at.map((place) => planned[place]!);
        const answers = await lane.add(events, Math.ceil((bytes * at.length) / planned.length));
        at.forEach((place, index) => (results[place] = answers[index]!));
      }),
    );
    for (const outcome of stored) if (outcome.status === 'rejected') throw outcome.reason;
    return results;
  }

  private laneOf({ message: { tenant_id, severity } }: PlannedEvent): StoreLane | Quarantine {
    if (this.quarantine.holds(tenant_id)) return this.quarantine;
    return severity === 'urgent' ? this.urgent : this.rest[hashOf(tenant_id) % this.rest.length]!;
  }
}

class StoreLane {
  private waiting: Share[] = [];
  private running = false;

  constructor(
    private readonly eventLog: EventLog,
    private readonly announce: Announce,
    private readonly quarantine: Quarantine,
  ) {}

  add(events: PlannedEvent[], bytes: number): Promise<readonly (StoreResult | LateResult)[]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ events, bytes, resolve, reject });
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.waiting.length > 0) {
      const shares = this.nextShares();
      const events = shares.length === 1 ? shares[0]!.events : shares.flatMap((share) => share.events);
      try {
        const results = await this.append(events);
        // the next statement does not wait for it; who waits for these results does, so that it goes before the acknowledgement
        this.announce(events, results).then(() => deal(shares, results), (error: unknown) => fail(shares, error));
      } catch (error) {
        if (error instanceof TooSlow) deal(shares, this.quarantine.take(events));
        else fail(shares, error);
      }
    }
    this.running = false;
  }

  private nextShares(): Share[] {
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

  /** Stores all of it, or all but what the log refuses, which is found by halving. */
  private async append(planned: readonly PlannedEvent[]): Promise<StoreResult[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.eventLog.append(planned);
      } catch (error) {
        if (!(error instanceof Refused) || error instanceof TooSlow) throw error;
        if (planned.length === 1 && attempt < ATTEMPTS_ALONE) continue;
        if (planned.length === 1) return [{ outcome: 'refused', detail: error.message }];
        const middle = planned.length >> 1;
        return [...(await this.append(planned.slice(0, middle))), ...(await this.append(planned.slice(middle)))];
      }
    }
  }
}

function deal(shares: readonly Share[], results: readonly (StoreResult | LateResult)[]): void {
  let from = 0;
  for (const { events, resolve } of shares) resolve(results.slice(from, (from += events.length)));
}

function fail(shares: readonly Share[], error: unknown): void {
  for (const { reject } of shares) reject(error);
}

/** The same for the same tenant; any spread will do. */
function hashOf(tenant: string): number {
  let hash = 0;
  for (let at = 0; at < tenant.length; at += 1) hash = (Math.imul(hash, 31) + tenant.charCodeAt(at)) >>> 0;
  return hash;
}
