import { Client } from 'pg';
import { eventually } from '@tocsin/contracts/testing';
import { violationsOf, type Published, type StoredRow, type Transcript } from '../kit/ledger';
import type { Frame } from '../kit/sse-client';
import { wallMs } from './steady-load';
import type { Watcher } from './watcher';

/** Reads a database over a new connection: a fault may have ended the earlier ones. */
async function query<R extends object>(databaseUrl: string, sql: string): Promise<R[]> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<R>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The complete event log of all tenants. */
export const readRows = (databaseUrl: string): Promise<StoredRow[]> =>
  query(
    databaseUrl,
    `select e.tenant_id, e.seq::int as seq, s.epoch, e.fp, e.service, e.event_id, (e.actor is not null or e.change = 'unsnoozed') as is_act
     from tocsin.event e join tocsin.tenant_stream s using (tenant_id) order by e.tenant_id, e.seq`,
  );

/**
 * The latency of each entry sent between two times (of the wall clock), from its publisher into the event log, in
 * milliseconds.
 */
export async function ingestMs(databaseUrl: string, fromMs: number, toMs: number): Promise<number[]> {
  const rows = await query<{ sent: number; ms: number }>(
    databaseUrl,
    `select sent, extract(epoch from received_at)::float8 * 1000 - sent as ms
     from (select received_at, (metadata ->> 'sent_at')::float8 as sent from tocsin.event) entry`,
  );
  return rows.filter(({ sent }) => sent >= fromMs && sent < toMs).map(({ ms }) => ms);
}

/** The latency of each entry from its publisher to a client, in milliseconds. */
export function deliveryMs(entries: readonly Frame[]): number[] {
  const offset = wallMs() - performance.now();
  return entries.map(
    ({ data, receivedAt }) =>
      receivedAt + offset - (JSON.parse(data) as { metadata: { sent_at: number } }).metadata.sent_at,
  );
}

/** The value below which `percent` of a hundred values lie. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}

/** Resolves to the event log once it contains every confirmed message. */
export async function storedAll(
  databaseUrl: string,
  published: readonly Published[],
  timeoutMs = 30_000,
): Promise<StoredRow[]> {
  const wanted = new Set(
    published.filter(({ confirmed }) => confirmed).map(({ tenant_id, id }) => `${tenant_id} ${id}`),
  );
  return eventually(async () => {
    const rows = await readRows(databaseUrl);
    const stored = new Set(rows.map(({ tenant_id, event_id }) => `${tenant_id} ${event_id}`));
    const missing = [...wanted].filter((key) => !stored.has(key));
    if (missing.length > 0)
      throw new Error(
        `${missing.length} of ${wanted.size} confirmed messages are not stored, the first is ${missing[0]}`,
      );
    return rows;
  }, timeoutMs);
}

/**
 * Resolves once every watcher is connected and at the head of each of its tenants, or after the timeout: the ledger
 * says who is not.
 */
export async function caughtUp(
  watchers: readonly Watcher[],
  rows: readonly StoredRow[],
  timeoutMs = 20_000,
): Promise<void> {
  const heads = new Map<string, number>();
  for (const { tenant_id, seq } of rows) heads.set(tenant_id, Math.max(seq, heads.get(tenant_id) ?? 0));
  const isBehind = (watcher: Watcher) =>
    !watcher.connected || watcher.tenants.some((tenant) => watcher.seqOf(tenant) < (heads.get(tenant) ?? 0));
  await eventually(() => {
    if (watchers.some(isBehind)) throw new Error('not yet');
  }, timeoutMs).catch(() => undefined);
}

export interface Run {
  published: readonly Published[];
  /**
   * The event log at the end; before it, for each history that was replaced, the event log just before the replacement.
   */
  histories: readonly [StoredRow[], ...StoredRow[][]];
  watchers: readonly { transcript(): Transcript; faults: readonly string[] }[];
  logs?: readonly string[];
  secrets?: readonly string[];
}

/**
 * The broken promises of a run, one line each: the ledger's violations, by name; `told_gap` for each gap or reset that
 * a client got beyond the histories that really were replaced; `malformed` for bytes that are not a good event stream.
 * A client that was told of a replaced history is compared with the next history from there on.
 */
export function brokenPromises({ published, histories, watchers, logs = [], secrets = [] }: Run): string[] {
  const broken: string[] = [];
  const runs = watchers.map((watcher) => ({ watcher, parts: partsOf(watcher.transcript()) }));
  const transcripts = histories.map((_, at) => runs.flatMap(({ parts }) => parts[at] ?? []));
  histories.forEach((rows, at) => {
    const isLast = at === histories.length - 1;
    const found = violationsOf({
      published: isLast ? published : [],
      rows,
      transcripts: transcripts[at]!,
      logs: isLast ? logs : [],
      secrets,
    });
    // published messages are compared with the last history alone: the others lost some of them
    broken.push(
      ...found.filter(({ invariant }) => isLast || invariant !== 'I1').map(({ name, detail }) => `${name}: ${detail}`),
    );
  });
  for (const { watcher, parts } of runs) {
    for (const part of parts.slice(histories.length)) broken.push(`told_gap: ${part.client} ${part.frames[0]!.data}`);
    for (const fault of watcher.faults) broken.push(`malformed: ${watcher.transcript().client} ${fault}`);
  }
  return broken;
}

/** Splits a transcript before each frame that reports a gap. */
function partsOf(transcript: Transcript): Transcript[] {
  const starts = [0, ...transcript.frames.flatMap((frame, at) => (at > 0 && tellsOfAGap(frame) ? [at] : []))];
  return starts.map((from, i) => {
    const isLast = i === starts.length - 1;
    return {
      ...transcript,
      frames: transcript.frames.slice(from, starts[i + 1]),
      connectedAtTheEnd: isLast && transcript.connectedAtTheEnd,
    };
  });
}

const tellsOfAGap = ({ event, data }: { event: string; data: string }): boolean =>
  event === 'reset' || (event === 'connection' && data.includes('"verdict":"gap"'));
