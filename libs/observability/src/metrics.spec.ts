import { Metrics } from './metrics';

const metrics = (tenantLimit = 2) => new Metrics({ version: '1.2.3', commit: 'abc', tenantLimit });
const lineOf = async (from: Metrics, start: string) =>
  (await from.registry.metrics()).split('\n').filter((line) => line.startsWith(start));

describe('the metrics', () => {
  test('have the running version and the default metrics of Node', async () => {
    const them = metrics();
    expect(await lineOf(them, 'tocsin_build_info')).toEqual(['tocsin_build_info{version="1.2.3",commit="abc"} 1']);
    expect((await lineOf(them, 'process_resident_memory_bytes ')).length).toBe(1);
    expect((await lineOf(them, 'nodejs_eventloop_lag_p99_seconds ')).length).toBe(1);
  });

  test('are separate in two instances of one process', async () => {
    const [one, other] = [metrics(), metrics()];
    one.sseConnections.set(3);
    expect(await lineOf(one, 'tocsin_sse_connections ')).toEqual(['tocsin_sse_connections 3']);
    expect(await lineOf(other, 'tocsin_sse_connections ')).toEqual(['tocsin_sse_connections 0']);
  });

  test('give the first tenants a label and count the rest as "other"', async () => {
    const them = metrics(2);
    for (const tenant of ['acme', 'globex', 'initech', 'acme', 'umbrella']) them.countPublished(tenant);
    them.countPublished('globex', 5);
    expect(await lineOf(them, 'tocsin_events_published_total')).toEqual([
      'tocsin_events_published_total{tenant="other"} 2',
      'tocsin_events_published_total{tenant="acme"} 2',
      'tocsin_events_published_total{tenant="globex"} 6',
    ]);
  });

  test('sample how long entries take in total: one at a time, never below 0, and none without a readable time', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'], now: 10_000 });
    const them = metrics();
    let asked = 0;
    const sample = (receivedAt: number) => them.total.take(() => ((asked += 1), receivedAt));
    const total = async () =>
      (await lineOf(them, 'tocsin_event_delivery_seconds_'))
        .filter((line) => /sum|count/.test(line))
        .filter((line) => line.includes('total'));
    sample(9_750);
    sample(9_000);
    jest.advanceTimersByTime(60);
    sample(11_000);
    jest.advanceTimersByTime(60);
    sample(NaN);
    // the samples 250 ms and, of the clock that goes wrong, 0 ms
    expect(them.total.recent.percentiles(performance.now())).toEqual({ samples: 2, p50: 0, p99: 250 });
    jest.useRealTimers();
    expect(asked).toBe(3);
    expect(await total()).toEqual([
      'tocsin_event_delivery_seconds_sum{stage="total"} 0.25',
      'tocsin_event_delivery_seconds_count{stage="total"} 2',
    ]);
  });

  test('read the pools at each scrape, and add them up', async () => {
    const them = metrics();
    let waiting = 0;
    them.pools.observe(() => ({ active: 1, idle: 2, waiting }));
    them.pools.observe(() => ({ active: 4, idle: 0, waiting: 0 }));
    waiting = 7;
    expect(await lineOf(them, 'tocsin_db_pool_connections')).toEqual([
      'tocsin_db_pool_connections{state="active"} 5',
      'tocsin_db_pool_connections{state="idle"} 2',
      'tocsin_db_pool_connections{state="waiting"} 7',
    ]);
  });

  test('show every counter and histogram at 0 before anything happened, each series of it', async () => {
    const them = metrics();
    for (const { name, type, values } of await them.registry.getMetricsAsJSON()) {
      // the app that parses messages declares the names
      if (!/^tocsin_(?!understood_names_)/.test(name) || String(type) === 'gauge') continue;
      expect([name, values.length > 0, values.filter(({ value }) => value !== 0)]).toEqual([name, true, []]);
    }
    expect(await lineOf(them, 'tocsin_ingest_messages_total')).toEqual(
      ['stored', 'folded', 'duplicate', 'dead', 'delivery_limit'].map(
        (result) => `tocsin_ingest_messages_total{result="${result}"} 0`,
      ),
    );
    them.ingestMessages.inc({ result: 'dead' });
    expect(await lineOf(them, 'tocsin_ingest_messages_total{result="dead"}')).toEqual([
      'tocsin_ingest_messages_total{result="dead"} 1',
    ]);
  });

  test('are named by the conventions: counters end in _total and nothing else does', async () => {
    for (const { name, type } of await metrics().registry.getMetricsAsJSON()) {
      if (!name.startsWith('tocsin_')) continue;
      expect([name, name.endsWith('_total')]).toEqual([name, String(type) === 'counter']);
    }
  });
});
