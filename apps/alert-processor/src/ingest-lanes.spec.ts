import { Refused, TooSlow, Unavailable, type PlannedEvent } from '@tocsin/contracts';
import type { BatchMessage } from './handle-batch';
import { aMessage, IngestInMemory, settled, type BusInMemory, type LogInMemory } from './testing/ingest-in-memory';

describe('taking alerts in', () => {
  let played: IngestInMemory;
  let log: LogInMemory;
  let bus: BusInMemory;
  beforeEach(() => {
    played = new IngestInMemory();
    ({ log, bus } = played);
  });
  const ingest = (batch: BatchMessage[]) => played.inLanes().ingest(batch);
  const ingestInLanes = (lanes?: number) => played.inLanes(lanes);
  const counted = (name: string, labels?: Record<string, string>) => played.counted(name, labels);
  const aLowMessage = (body: object) => aMessage({ severity: 'low', ...body }, { routing_key: 'alert.low.inventory' });

  it('finds the one message that the event log refuses, and stores the others', async () => {
    log.trouble = (planned) =>
      planned.some(({ message }) => message.id === 'm-5') ? new Refused('store_failed', 'refused (22001)') : undefined;
    const outcome = await ingest(Array.from({ length: 9 }, (_, index) => aMessage({ id: `m-${index}` })));

    expect(outcome).toEqual(
      settled(
        ...Array.from({ length: 9 }, (_, index) =>
          index === 5 ? { outcome: 'dead', reason: 'store_failed', detail: 'refused (22001)' } : { outcome: 'stored' },
        ),
      ),
    );
    expect(log.stored.map(({ message }) => message.id)).toEqual([
      'm-0',
      'm-1',
      'm-2',
      'm-3',
      'm-4',
      'm-6',
      'm-7',
      'm-8',
    ]);
    expect(log.letters).toMatchObject([{ reason: 'store_failed' }]);
  });

  it('stores a batch in lanes that share no tenant, with each outcome in its place', async () => {
    const batch = Array.from({ length: 400 }, (_, index) =>
      aLowMessage({ id: `m-${index % 350}`, tenant_id: `tenant-${index % 7}` }),
    );
    const outcome = await ingestInLanes(4).ingest(batch);

    expect(log.batches.length).toBeGreaterThan(1);
    expect(log.batches.length).toBeLessThanOrEqual(4);
    const tenants = log.batches.map((lane) => new Set(lane.map(({ message }) => message.tenant_id)));
    expect(tenants.reduce((sum, lane) => sum + lane.size, 0)).toBe(7);
    expect(outcome).toEqual(settled(...batch.map((_, index) => ({ outcome: index < 350 ? 'stored' : 'duplicate' }))));
    const seqs = bus.hints.filter(({ tenant_id, data }) => tenant_id === 'tenant-3' && data).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  it('stores lists in statements of at most 500 events, each announced in the order of the log', async () => {
    const batch = Array.from({ length: 12 }, (_, list) =>
      aMessage(
        JSON.stringify(
          Array.from({ length: 100 }, (_one, index) => ({
            tenant_id: 'bakery',
            service: 'inventory',
            severity: 'low',
            id: `m-${list * 100 + index}`,
          })),
        ),
        { routing_key: 'alert.low.inventory' },
      ),
    );
    expect(await ingest(batch)).toEqual(settled(...batch.map(() => ({ outcome: 'stored' }))));
    expect(log.batches.map(({ length }) => length)).toEqual([500, 500, 200]);
    expect(bus.hints.map(({ seq }) => seq)).toEqual(Array.from({ length: 1_200 }, (_, index) => index + 1));
  });

  it('stores a few events of several lanes in one statement, and frees each lane when it is done', async () => {
    let free: () => void = () => undefined;
    log.gate = new Promise((resolve) => (free = resolve));
    const ingesting = ingestInLanes(4);
    const few = (prefix: string) =>
      Array.from({ length: 14 }, (_, index) =>
        aLowMessage({ id: `${prefix}-${index}`, tenant_id: `tenant-${index % 7}` }),
      );
    const all = Promise.all([few('a'), few('b'), few('c')].map((batch) => ingesting.ingest(batch)));
    // all of them are read by then, on however busy a machine: reading is done in slices
    await new Promise((resolve) => setTimeout(resolve, 50));
    free();
    for (const outcome of await all)
      expect(outcome).toEqual(settled(...Array.from({ length: 14 }, () => ({ outcome: 'stored' as const }))));
    expect(log.batches.map(({ length }) => length)).toEqual([14, 28]);
  });

  it('gives a batch back when one of its lanes found the log away', async () => {
    log.trouble = (planned) =>
      planned.some(({ message }) => message.tenant_id === 'tenant-3') ? new Unavailable('log', 'away') : undefined;
    const batch = Array.from({ length: 400 }, (_, index) =>
      aLowMessage({ id: `m-${index}`, tenant_id: `tenant-${index % 7}` }),
    );
    expect(await ingestInLanes(4).ingest(batch)).toEqual({ kind: 'retry', reason: 'away' });
  });

  it('joins what waits for a lane into one statement, and publishes it in the order of the log', async () => {
    let free: () => void = () => undefined;
    log.gate = new Promise((resolve) => (free = resolve));
    const ingesting = ingestInLanes();
    const all = Promise.all(['a', 'b', 'c'].map((id) => ingesting.ingest([aLowMessage({ id })])));
    free();
    expect(await all).toEqual(['a', 'b', 'c'].map(() => settled({ outcome: 'stored' })));
    expect(log.batches.map((planned) => planned.map(({ message }) => message.id))).toEqual([['a'], ['b', 'c']]);
    expect(bus.hints.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('stores what is urgent, and what is suspect, while the rest of the tenant waits', async () => {
    const never = new Promise<void>(() => undefined);
    const ingesting = ingestInLanes();
    log.gate = never;
    void ingesting.ingest([aLowMessage({ id: 'stuck' })]);
    void ingesting.ingest([aLowMessage({ id: 'behind it' })]);
    log.gate = undefined;
    expect(await ingesting.ingest([aMessage({ id: 'urgent' })])).toEqual(settled({ outcome: 'stored' }));
    expect(await ingesting.ingest([{ ...aLowMessage({ id: 'suspect' }), suspect: true }])).toEqual(
      settled({ outcome: 'stored' }),
    );
  });

  it('refuses an event after three attempts on its own, no sooner', async () => {
    let refusals = 0;
    log.trouble = () => (refusals++ < 2 ? new Refused('store_failed', 'refused') : undefined);
    expect(await ingest([aMessage({ id: 'a' })])).toEqual(settled({ outcome: 'stored' }));
    log.trouble = () => new Refused('store_failed', 'refused');
    log.batches.length = 0;
    expect(await ingest([aMessage({ id: 'b' })])).toMatchObject(settled({ outcome: 'dead', reason: 'store_failed' }));
    expect(log.batches).toHaveLength(3);
  });

  it('puts a statement that takes too long in quarantine: its event at fault ends as a dead letter, the others are stored, and the lanes go on', async () => {
    const guilty = ({ message }: PlannedEvent) => message.id === 'guilty';
    log.trouble = (planned) => (planned.some(guilty) ? new TooSlow('took 5 s') : undefined);
    const batch = Array.from({ length: 200 }, (_, index) =>
      aLowMessage({ id: index === 77 ? 'guilty' : `m-${index}`, tenant_id: `tenant-${index % 5}` }),
    );
    const ingesting = ingestInLanes();

    const outcome = await ingesting.ingest(batch);
    expect(await ingesting.ingest([aLowMessage({ id: 'x', tenant_id: 'tenant-of-nobody-held' })])).toEqual(
      settled({ outcome: 'stored' }),
    );

    if (outcome.kind !== 'settled') throw new Error(outcome.reason);
    const fates = await Promise.all(
      outcome.outcomes.map((one) => (one.outcome === 'late' ? one.result : Promise.reject(new Error('not late')))),
    );
    expect(fates.filter(({ outcome: fate }) => fate === 'stored')).toHaveLength(199);
    expect(fates[77]).toMatchObject({ outcome: 'dead', reason: 'store_failed' });
    expect(log.letters).toMatchObject([{ reason: 'store_failed', tenant_id: 'tenant-2' }]);
    expect(log.batches.filter((planned) => planned.length === 1 && planned.some(guilty))).toHaveLength(3);
    expect(await counted('tocsin_ingest_messages_total', { result: 'stored' })).toBe(200);
    // a later event of the same tenant is not late any more
    expect(await ingesting.ingest([aLowMessage({ id: 'y', tenant_id: 'tenant-2' })])).toEqual(
      settled({ outcome: 'stored' }),
    );
  });

  it('lets events in quarantine be tried again when the event log goes away meanwhile', async () => {
    let statements = 0;
    log.trouble = () => (statements++ === 0 ? new TooSlow('took 5 s') : new Unavailable('log', 'away'));
    const outcome = await ingest([aLowMessage({ id: 'a' })]);
    if (outcome.kind !== 'settled' || outcome.outcomes[0]?.outcome !== 'late') throw new Error('not late');
    await expect(outcome.outcomes[0].result).rejects.toThrow('away');
  });
});
