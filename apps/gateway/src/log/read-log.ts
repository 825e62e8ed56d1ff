import {
  entryPasses,
  Refused,
  type Entry,
  type EntryPage,
  type LogPosition,
  type StreamFilter,
  type StreamHead,
  type TenantId,
} from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { VerifiedToken } from '@tocsin/auth';
import { idsOf, tenantsAskedFor, type VisibleTenants } from '../access/visible-tenants';
import { assignPositions, formatCursor, parseCursor } from '../positions/cursor';

/**
 * The most entries that are examined for one page: a filter that hardly any entry passes must not read a whole event
 * log.
 */
const LOOKED_AT = 2_000;
const READ_AT_ONCE = 500;

/**
 * A read of the event log: the first `limit` entries after a cursor that pass the filter; without a cursor, from the
 * oldest entry.
 */
export interface LogRead {
  tenants: readonly string[] | null;
  after: string | undefined;
  filter: StreamFilter;
  limit: number;
}

/**
 * Reads the event log page by page, from the oldest entry that is kept. Several tenants are read one after the other. A
 * page's cursor is also a stream's cursor: both read the same event log, and a stream from there begins with the entry
 * after the page.
 */
export class ReadLog {
  constructor(
    private readonly log: Pick<EventLog, 'heads' | 'startOf' | 'after'>,
    private readonly tenants: VisibleTenants,
  ) {}

  /**
   * Reads one page. Throws `Refused` with `invalid_cursor` or `cursor_expired`: a page must not skip entries silently.
   */
  async page(right: VerifiedToken, { tenants, after, filter, limit }: LogRead): Promise<EntryPage> {
    const asked = idsOf(tenantsAskedFor(await this.tenants.of(right), tenants));
    const heads = await this.log.heads(asked);
    const positions = await this.positionsOf(after, heads);
    const events: Entry[] = [];
    let left = LOOKED_AT;
    let more = false;
    for (const tenant of asked) {
      const read = await this.read(tenant, positions.get(tenant)!, filter, limit - events.length, left);
      events.push(...read.events);
      positions.set(tenant, read.position);
      left -= read.lookedAt;
      more = read.more;
      if (more) break;
    }
    const cursor = formatCursor(positions);
    return { events, next: more ? cursor : null, cursor };
  }

  private async positionsOf(
    after: string | undefined,
    heads: readonly StreamHead[],
  ): Promise<Map<TenantId, LogPosition>> {
    const assigned = assignPositions(
      parseCursor(after),
      new Map(heads.map(({ tenant_id, epoch }) => [tenant_id, epoch])),
    );
    const positions = await Promise.all(
      heads.map(async (head): Promise<[TenantId, LogPosition]> => {
        const sent = assigned.get(head.tenant_id)!;
        if (sent.kind === 'unusable')
          throw invalidCursor(
            sent.reason === 'foreign_cursor'
              ? 'The cursor names none of these tenants.'
              : 'This is not a cursor of a stream or of the event log.',
          );
        if (sent.kind === 'none') return [head.tenant_id, await this.beginningOf(head)];
        const { epoch, seq } = sent.position;
        if (epoch !== head.epoch || seq > head.seq) throw replaced();
        if (seq < head.floor_seq)
          throw new Refused('cursor_expired', 'Entries behind this cursor are deleted: begin without one.');
        return [head.tenant_id, sent.position];
      }),
    );
    return new Map(positions);
  }

  private async beginningOf({ tenant_id, epoch, floor_seq }: StreamHead): Promise<LogPosition> {
    return floor_seq === 0 ? { epoch, seq: 0, fp: '0' } : this.log.startOf(tenant_id, new Date(0));
  }

  /** Reads from a position until the page is full, enough entries were examined, or there are no more. */
  private async read(tenant: TenantId, from: LogPosition, filter: StreamFilter, limit: number, lookAt: number) {
    const events: Entry[] = [];
    const narrowed = Object.values(filter).some((wanted) => (wanted ?? null) !== null);
    let position = from;
    for (let lookedAt = 0; ;) {
      // Reading starts with the entry at the position: an equal fp proves that what follows is the history that the
      // cursor was made from.
      const own = position.seq > 0 ? 1 : 0;
      const wanted = Math.min(narrowed ? READ_AT_ONCE : limit - events.length + 1, READ_AT_ONCE, lookAt - lookedAt + 1);
      const read = await this.log.after(tenant, position.seq - own, wanted + own);
      if (own && (read[0]?.seq !== position.seq || read[0].fp !== position.fp)) throw replaced();
      for (const { epoch, seq, fp, entry } of read.slice(own)) {
        if (events.length === limit || lookedAt === lookAt) return { events, position, lookedAt, more: true };
        lookedAt += 1;
        position = { epoch, seq, fp };
        if (entryPasses(filter, entry)) events.push(entry);
      }
      if (read.length < wanted + own) return { events, position, lookedAt, more: false };
    }
  }
}

const replaced = () => invalidCursor('The history that this cursor was made from was replaced: begin without one.');

function invalidCursor(detail: string): Refused {
  return new Refused('invalid_cursor', detail, { errors: [{ parameter: 'after', code: 'invalid_cursor', detail }] });
}
