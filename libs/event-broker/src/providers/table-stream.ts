import { setTimeout as sleep } from 'node:timers/promises';
import { fullJitter } from '@tocsin/timing/back-off';
import type { BrokerEvent } from '../event';
import { patternsOf, type StreamRequest } from '../event-provider';
import { patternRegex } from '../pattern-trie';
import { EVENT_COLUMNS, eventOfRow, quotedTable, type EventRow } from './event-table';

export interface TableStreamOptions {
  table: string;
  query<Row>(sql: string, values: unknown[]): Promise<Row[]>;
  /** Resolves when there may be something new, after `pollMs` at the latest. */
  news(signal: AbortSignal): Promise<void>;
  consumed(count: number): void;
  onTrouble(error: unknown): void;
}

const PAGE = 500;
const BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };

/** Opens a stream at the end of the table. */
export async function openTableStream(
  options: TableStreamOptions,
  request: StreamRequest,
): Promise<AsyncIterable<BrokerEvent>> {
  const [start] = await options.query<{ snapshot: string; xmin: string }>(
    'select s::text as snapshot, pg_snapshot_xmin(s)::text as xmin from pg_current_snapshot() as s',
    [],
  );
  return readTable(options, request, start!);
}

/**
 * Reads in the order `(xid, seq)`, and only what was written by transactions older than all that are under way: no
 * event with a smaller position can appear any more. So a long transaction delays the events of all; none is skipped.
 * What was visible when the stream was opened belongs to the past.
 */
async function* readTable(
  { table, query, news, consumed, onTrouble }: TableStreamOptions,
  request: StreamRequest,
  { snapshot, xmin: from }: { snapshot: string; xmin: string },
): AsyncGenerator<BrokerEvent> {
  const { signal, withoutOrigin = null } = request;
  const sql = `
    select b.xmin::text as bound, e.*
    from (select pg_snapshot_xmin(pg_current_snapshot()) as xmin) as b
    left join lateral (
      select ${EVENT_COLUMNS} from ${quotedTable(table)} as e
      where (e.xid, e.seq) > ($1::xid8, $2::bigint) and e.xid < b.xmin and e.is_published
        and ($3::text is null or e.origin is distinct from $3) and e.type ~ any ($4::text[])
        and not pg_visible_in_snapshot(e.xid, $5::pg_snapshot)
      order by e.xid, e.seq limit ${PAGE}
    ) as e on true`;
  let position = [from, '0'];
  for (let failures = 0; !signal.aborted;) {
    let rows: (EventRow & { bound: string })[];
    const patterns = patternsOf(request);
    try {
      rows = await query(sql, [...position, withoutOrigin, patterns.map(patternRegex), snapshot]);
      failures = 0;
      // the query may have passed an event that a subscription wants which was made while it waited
      if (patternsOf(request).join() !== patterns.join()) continue;
    } catch (error) {
      onTrouble(error);
      const pauseMs = fullJitter(failures, BACK_OFF);
      failures += 1;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      continue;
    }
    const found = rows.filter(({ id }) => id !== null);
    for (const row of found) {
      if (signal.aborted) return;
      consumed(1);
      yield eventOfRow(row);
      position = [row.xid, row.seq];
    }
    if (found.length === PAGE) continue;
    // everything below the bound has been looked at: what did not match is not read again
    position = [rows[0]!.bound, '0'];
    await news(signal);
  }
}
