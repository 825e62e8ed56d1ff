import { Unavailable, type StoredEvent, type TenantId } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';

/**
 * Shorter reads are not worth a second round trip. The pages of a replay begin with 64 entries, those of the API have
 * 50 unless the client asks for others.
 */
const LEAST = 50;
/** How long a replica that did not answer is left alone, in milliseconds. */
const AWAY_MS = 5_000;

/**
 * The event log of a primary, whose long reads (replays, pages of the log) go to a replica. The log is append-only, so
 * only the end may be missing on a replica: the primary is asked for the rest, and whether it has the same history. A
 * whole page of another history, which a replica of an earlier primary may have, ends in the reset that follows when
 * the reader reaches the primary. A replica that is away is asked again after 5 s. Everything else is the primary's.
 */
export class ReplicaEventLog implements EventLog {
  private awayUntil = -Infinity;

  readonly append: EventLog['append'];
  readonly appendFolded: EventLog['appendFolded'];
  readonly heads: EventLog['heads'];
  readonly newest: EventLog['newest'];
  readonly startOf: EventLog['startOf'];
  readonly bury: EventLog['bury'];
  readonly check: EventLog['check'];

  constructor(
    private readonly primary: EventLog,
    private readonly replica: Pick<EventLog, 'after'>,
    /** Called when the replica does not answer. */
    private readonly onAway: (error: Unavailable) => void = () => undefined,
    private readonly least = LEAST,
  ) {
    this.append = primary.append.bind(primary);
    this.appendFolded = primary.appendFolded.bind(primary);
    this.heads = primary.heads.bind(primary);
    this.newest = primary.newest.bind(primary);
    this.startOf = primary.startOf.bind(primary);
    this.bury = primary.bury.bind(primary);
    this.check = primary.check.bind(primary);
  }

  async after(tenant: TenantId, seq: number, limit: number): Promise<StoredEvent[]> {
    const read = limit < this.least ? [] : await this.fromReplica(tenant, seq, limit);
    if (read.length === limit) return read;
    const last = read.at(-1);
    if (!last) return this.primary.after(tenant, seq, limit);
    // read once more where both must agree: an equal fp proves that they have the same history
    const [joint, ...rest] = await this.primary.after(tenant, last.seq - 1, limit - read.length + 1);
    return joint?.seq === last.seq && joint.fp === last.fp
      ? [...read, ...rest]
      : this.primary.after(tenant, seq, limit);
  }

  private async fromReplica(tenant: TenantId, seq: number, limit: number): Promise<StoredEvent[]> {
    if (performance.now() < this.awayUntil) return [];
    try {
      return await this.replica.after(tenant, seq, limit);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      this.awayUntil = performance.now() + AWAY_MS;
      this.onAway(error);
      return [];
    }
  }
}
