import { Refused, TooSlow, Unavailable, type PlannedEvent } from '@tocsin/contracts';
import { parseMessages } from '@tocsin/messages';
import { gzipSync } from 'node:zlib';
import { StoreLanes, type StoredPart } from './store-lanes';
import type { SoonerOrLater } from './store-result';
import { LogInMemory } from './testing/ingest-in-memory';

const MAX_BYTES = 4 * 1024 * 1024;

/** The events of one message body, as they are planned. */
const plannedOf = (body: unknown): PlannedEvent[] =>
  parseMessages(gzipSync(JSON.stringify(body)), { content_encoding: 'gzip' }).messages.map((parsed) => {
    if (!parsed.ok) throw new Error(JSON.stringify(parsed));
    return { message: parsed.message, body_hash: parsed.body_hash, trace_id: null, deliveries: [] };
  });
/** So many events of one tenant, which came as lists. */
const events = (count: number, more: object = {}): PlannedEvent[] =>
  Array.from({ length: Math.ceil(count / 100) }, (_, list) =>
    plannedOf(
      Array.from({ length: Math.min(100, count - list * 100) }, (_one, index) => ({
        tenant_id: 'bakery',
        service: 's',
        severity: 'low',
        id: `m-${list * 100 + index}`,
        ...more,
      })),
    ),
  ).flat();
const idOf = ({ message }: PlannedEvent): string => message.id;

describe('a batch of more events than one statement takes', () => {
  let log: LogInMemory;
  let lanes: StoreLanes;
  beforeEach(() => {
    log = new LogInMemory();
    lanes = new StoreLanes(log, 1);
  });

  /** The results in the order of the batch. */
  async function resultsOf(planned: readonly PlannedEvent[], parts: readonly StoredPart[]): Promise<SoonerOrLater[]> {
    const results = new Array<SoonerOrLater>(planned.length);
    for (const part of parts)
      (await part.results).forEach((result, index) => {
        expect(part.events[index]).toBe(planned[part.places[index]!]);
        results[part.places[index]!] = result;
      });
    return results;
  }
  const store = (planned: readonly PlannedEvent[], suspect?: boolean) =>
    lanes.store(planned, planned.length * 10, suspect);

  it.each([false, true])('is stored in several of at most 500, each result in its place (suspect: %s)', async (is) => {
    const planned = [...events(1_199), events(1)[0]!];
    const results = await resultsOf(planned, store(planned, is));
    expect(log.batches.map(({ length }) => length)).toEqual([500, 500, 200]);
    expect(log.stored.map(idOf)).toEqual(planned.slice(0, 1_199).map(idOf));
    expect(results.map((result) => (result.outcome === 'stored' ? result.event.entry.event_id : result))).toEqual([
      ...planned.slice(0, 1_199).map(idOf),
      { outcome: 'duplicate', tenant_id: 'bakery', position: { epoch: 'e1', seq: 1, fp: 'fp-1' } },
    ]);
  });

  it('is told of each statement as soon as it has been stored', async () => {
    const parts = store(events(1_200));
    expect(parts.map(({ places }) => [places[0], places.length])).toEqual([
      [0, 500],
      [500, 500],
      [1_000, 200],
    ]);
    log.gate = new Promise(() => undefined);
    expect(await parts[0]!.results).toHaveLength(500);
  });

  it('is measured by what was parsed: a few bytes may unfold to many', async () => {
    const planned = Array.from({ length: 200 }, (_, index) =>
      plannedOf({
        tenant_id: 'bakery',
        service: 's',
        severity: 'low',
        id: `m-${index}`,
        metadata: { text: 'é'.repeat(20_000), numbers: Array.from({ length: 400 }, () => 1e20) },
      }),
    ).flat();
    await resultsOf(planned, store(planned));
    const sizes = log.batches.map((batch) => Buffer.byteLength(JSON.stringify(batch.map(({ message }) => message))));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_BYTES);
    expect(sizes).toHaveLength(3);
    expect(log.stored.map(idOf)).toEqual(planned.map(idOf));
  });

  it('within the bounds is one statement', async () => {
    const planned = events(500);
    await resultsOf(planned, store(planned));
    expect(log.batches).toHaveLength(1);
  });

  it('is not stored further when the log goes away: a later event must not overtake an earlier one', async () => {
    let statements = 0;
    log.trouble = () => (++statements === 2 ? new Unavailable('log', 'away') : undefined);
    const parts = store(events(1_600));
    const other = store(events(1, { id: 'other' }));
    const outcomes = await Promise.allSettled([...parts, ...other].map(({ results }) => results));
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(log.batches.map(({ length }) => length)).toEqual([500, 500, 1]);
  });

  it('is late as a whole from the statement on that takes too long, and in statements of at most 500', async () => {
    let statements = 0;
    log.trouble = () => (++statements === 2 ? new TooSlow('took 5 s') : undefined);
    const planned = events(1_200);
    const parts = store(planned);
    // what comes meanwhile for the same tenant is as bounded
    await parts[1]!.results;
    const more = store(events(600, { service: 'another' }));
    const results = await resultsOf(planned, parts);
    expect(results.map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: 500 }, () => 'stored'),
      ...Array.from({ length: 700 }, () => 'late'),
    ]);
    for (const result of [...results, ...(await Promise.all(more.map((part) => part.results))).flat()])
      if (result.outcome === 'late') expect(await result.result).toMatchObject({ outcome: 'stored' });
    expect(log.stored).toHaveLength(1_800);
    expect(Math.max(...log.batches.map(({ length }) => length))).toBe(500);
  });

  it('is halved when a statement cannot be written, as when it is refused', async () => {
    log.trouble = (planned) => (planned.length > 200 ? new RangeError('Invalid string length') : undefined);
    const planned = events(500);
    const results = await resultsOf(planned, store(planned));
    expect(results.map(({ outcome }) => outcome)).toEqual(planned.map(() => 'stored'));
    expect(log.batches.map(({ length }) => length)).toEqual([500, 250, 125, 125, 250, 125, 125]);
  });

  it('refuses the one event that no statement can be written of', async () => {
    log.trouble = (planned) =>
      planned.some(({ message }) => message.id === 'm-3') ? new RangeError('Invalid string length') : undefined;
    const planned = events(9);
    const results = await resultsOf(planned, store(planned));
    expect(results.map(({ outcome }) => outcome)).toEqual(
      planned.map((_, index) => (index === 3 ? 'refused' : 'stored')),
    );
    log.trouble = () => new Refused('store_failed', 'refused');
    const one = events(1);
    expect(await resultsOf(one, store(one))).toEqual([{ outcome: 'refused', detail: 'refused' }]);
  });
});
