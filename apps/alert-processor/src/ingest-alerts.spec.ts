import {
  decodeHints,
  encodeHint,
  Refused,
  renderData,
  TooSlow,
  Unavailable,
  type DeadLetter,
  type PlannedEvent,
  type StoredEvent,
} from '@tocsin/contracts';
import {
  AnnounceEntries,
  EventBus,
  EventLog,
  type AppendResult,
  type PublishedHint,
  type Subscription,
} from '@tocsin/contracts/ports';
import { aTenant, anEntry } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import type { BatchMessage } from './handle-batch';
import { IngestAlerts } from './ingest-alerts';

const silent = createLogger({ app: 'test', level: 'silent' });
const ORIGIN = { epoch: 'e1', seq: 0, fp: '0' };

/** An event log that keeps what it is given, and refuses what a test names. */
class LogInMemory extends EventLog {
  readonly batches: (readonly PlannedEvent[])[] = [];
  readonly stored: PlannedEvent[] = [];
  readonly letters: DeadLetter[] = [];
  /** While it is set, new statements wait for it. */
  gate: Promise<void> | undefined;
  trouble: (planned: readonly PlannedEvent[]) => Error | undefined = () => undefined;
  buryTrouble: (letters: readonly DeadLetter[]) => Error | undefined = () => undefined;

  async append(planned: readonly PlannedEvent[]): Promise<AppendResult[]> {
    this.batches.push(planned);
    await this.gate;
    const error = this.trouble(planned);
    if (error) throw error;
    return planned.map((event): AppendResult => {
      const { tenant_id, service, id } = event.message;
      const log = this.stored.filter(({ message }) => message.tenant_id === tenant_id);
      const at = log.findIndex(({ message }) => message.service === service && message.id === id);
      if (at >= 0 && log[at]!.body_hash !== event.body_hash) return { outcome: 'conflict' };
      if (at >= 0)
        return { outcome: 'duplicate', tenant_id, position: { epoch: 'e1', seq: at + 1, fp: `fp-${at + 1}` } };
      this.stored.push(event);
      return { outcome: 'stored', event: storedAs(event, log.length + 1) };
    });
  }
  async bury(letters: readonly DeadLetter[]): Promise<void> {
    const error = this.buryTrouble(letters);
    if (error) throw error;
    this.letters.push(...letters);
  }
  appendFolded = async () => [];
  check = async () => {
    const error = this.trouble([]);
    if (error) throw error;
  };
  after = async () => [];
  heads = async () => [];
  newest = async () => ({ events: [], from: ORIGIN, upTo: ORIGIN, searched: null });
  startOf = async () => ORIGIN;
}

const storedAs = ({ message, trace_id }: PlannedEvent, seq: number): StoredEvent => ({
  epoch: 'e1',
  seq,
  fp: `fp-${seq}`,
  prev_fp: `fp-${seq - 1}`,
  entry: anEntry({
    tenant_id: message.tenant_id,
    seq,
    alert_id: `alert-of-${message.id}`,
    event_id: message.id,
    severity: message.severity,
    service: message.service,
    type: message.type,
    title: message.title,
    trace_id,
  }),
});

class BusInMemory extends EventBus {
  readonly hints: PublishedHint[] = [];
  away = false;
  readonly connected = true;

  async publish(hints: readonly PublishedHint[]): Promise<void> {
    if (this.away) throw new Unavailable('bus', 'the test says so');
    this.hints.push(...hints);
  }
  subscribe = async (): Promise<Subscription> => ({ close: () => undefined });
}

describe('taking alerts in', () => {
  let log: LogInMemory;
  let bus: BusInMemory;
  let metrics: Metrics;
  let rings: number;
  const doorbell = { ring: async () => void (rings += 1), onRing: async () => ({ close: () => undefined }) };
  const ingestInLanes = (lanes?: number) =>
    new IngestAlerts(log, new AnnounceEntries(bus, metrics, silent), doorbell, metrics, silent, { lanes });
  const ingest = (batch: BatchMessage[]) => ingestInLanes().ingest(batch);
  beforeEach(() => {
    log = new LogInMemory();
    bus = new BusInMemory();
    rings = 0;
    metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 10 });
  });
  const counted = async (name: string, labels: Record<string, string> = {}) => {
    const { values } = (await metrics.registry.getSingleMetric(name)!.get()) as {
      values: { value: number; labels: Record<string, string> }[];
    };
    return (
      values.find((value) => Object.entries(labels).every(([label, wanted]) => value.labels[label] === wanted))
        ?.value ?? 0
    );
  };

  const bakery = aTenant('bakery');
  const aMessage = (body: object | string, more: Partial<BatchMessage> = {}): BatchMessage => ({
    body: Buffer.from(
      typeof body === 'string'
        ? body
        : JSON.stringify({ tenant_id: bakery, service: 'inventory', severity: 'urgent', ...body }),
    ),
    routing_key: 'alert.urgent.inventory',
    redelivered: false,
    ...more,
  });
  const settled = (...outcomes: unknown[]) => ({ kind: 'settled', outcomes });

  it('stores what is valid, with its deliveries, and hints at it in order, data and all', async () => {
    expect(await ingest([aMessage({ id: 'a', title: 'Größe' }), aMessage({ id: 'b' })])).toEqual(
      settled({ outcome: 'stored' }, { outcome: 'stored' }),
    );

    expect(log.stored.map(({ message, deliveries }) => [message.id, deliveries.length])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    expect(bus.hints.map(({ tenant_id, seq }) => [tenant_id, seq])).toEqual([
      [bakery, 1],
      [bakery, 2],
    ]);
    expect(bus.hints[0]!.data!.toString()).toBe(renderData(storedAs(log.stored[0]!, 1).entry));
    expect(await counted('tocsin_ingest_messages_total', { result: 'stored' })).toBe(2);
    expect(await counted('tocsin_events_published_total', { tenant: bakery })).toBe(2);
  });

  it('rings for the notifiers when an entry rings for which deliveries are planned, and for no other', async () => {
    await ingest([aMessage({ id: 'a' }), aMessage({ id: 'b' })]);
    expect(rings).toBe(1);
    await ingest([aMessage({ id: 'a' }, { redelivered: true })]);
    await ingest([aMessage({ id: 'c', type: 'notification' })]);
    expect(rings).toBe(1);

    log.append = async ([event]) => {
      const stored = storedAs(event!, 9);
      return [{ outcome: 'stored', event: { ...stored, entry: { ...stored.entry, change: 'repeated' } } }];
    };
    await ingest([aMessage({ id: 'd' })]);
    expect(rings).toBe(1);
  });

  it('plans nothing when deliveries are switched off', async () => {
    const announceEntries = new AnnounceEntries(bus, metrics, silent);
    const off = new IngestAlerts(log, announceEntries, doorbell, metrics, silent, { plan: () => [] });
    expect(await off.ingest([aMessage({ id: 'a' })])).toEqual(settled({ outcome: 'stored' }));
    expect(log.stored[0]!.deliveries).toEqual([]);
    expect([rings, bus.hints.length]).toEqual([0, 1]);
  });

  it('hints again at a duplicate, with its stored position and nothing else: the first hint may never have gone out', async () => {
    await ingest([aMessage({ id: 'a' })]);
    expect(await ingest([aMessage({ id: 'a' }, { redelivered: true })])).toEqual(settled({ outcome: 'duplicate' }));

    const { tenant_id, ...hint } = bus.hints[1]!;
    expect(tenant_id).toBe(bakery);
    expect(hint).toMatchObject({ epoch: 'e1', seq: 1, fp: 'fp-1', data: null });
    expect(decodeHints(encodeHint(hint))).toEqual([hint]);
    expect(log.stored).toHaveLength(1);
  });

  it('settles a folded message, and one that was folded before, without a hint, and counts both', async () => {
    const results: AppendResult[] = [
      { outcome: 'folded' },
      { outcome: 'duplicate', tenant_id: bakery, position: null },
    ];
    log.append = async () => results;
    expect(await ingest([aMessage({ id: 'a' }), aMessage({ id: 'b' })])).toEqual(
      settled({ outcome: 'folded' }, { outcome: 'duplicate' }),
    );
    expect(bus.hints).toEqual([]);
    expect(await counted('tocsin_ingest_messages_total', { result: 'folded' })).toBe(1);
  });

  it('puts invalid messages on record and stores the rest', async () => {
    const outcome = await ingest([
      aMessage('not json', { routing_key: 'who knows' }),
      aMessage({ id: 'a' }),
      aMessage({ tenant_id: undefined }),
      aMessage({ title: 'x'.repeat(301) }),
    ]);

    expect(outcome).toMatchObject(
      settled(
        { outcome: 'dead', reason: 'invalid_json' },
        { outcome: 'stored' },
        { outcome: 'dead', reason: 'missing_tenant' },
        { outcome: 'dead', reason: 'invalid_field' },
      ),
    );
    expect(log.letters).toMatchObject([
      { tenant_id: null, reason: 'invalid_json', body: Buffer.from('not json'), routing_key: 'who knows' },
      { tenant_id: null, reason: 'missing_tenant' },
      { tenant_id: bakery, reason: 'invalid_field', detail: expect.stringContaining('/title') as string },
    ]);
    expect(bus.hints).toHaveLength(1);
    expect(await counted('tocsin_ingest_messages_total', { result: 'dead' })).toBe(3);
  });

  it('keeps no more than 64 KiB of a dead letter', async () => {
    expect(await ingest([aMessage('x'.repeat(100_000))])).toMatchObject(
      settled({ outcome: 'dead', reason: 'message_too_large' }),
    );
    expect(log.letters[0]!.body).toHaveLength(65_536);
  });

  describe('one body that holds several messages', () => {
    const one = (more: object) => ({ tenant_id: bakery, service: 'inventory', severity: 'low', ...more });
    const bodies = () =>
      log.letters.map(({ body, message_id, reason }) => [reason, message_id, JSON.parse(body.toString()) as unknown]);

    it('has a letter for each that is refused, with it alone', async () => {
      const [bad, worse] = [one({ id: 'bad', title: 'x'.repeat(301) }), one({ tenant_id: undefined, id: 'worse' })];
      expect(
        await ingest([aMessage(JSON.stringify([one({ id: 'a' }), bad, worse]), { message_id: 'm' })]),
      ).toMatchObject(settled({ outcome: 'dead' }));
      expect(log.stored.map(({ message }) => message.id)).toEqual(['a']);
      expect(bodies()).toEqual([
        ['invalid_field', 'm/1', bad],
        ['missing_tenant', 'm/2', JSON.parse(JSON.stringify(worse))],
      ]);
    });

    it('has one for each that the event log refuses', async () => {
      await ingest([aMessage({ id: 'a' })]);
      const other = one({ id: 'a', severity: 'urgent', title: 'another' });
      log.trouble = (planned) =>
        planned.some(({ message }) => message.title === 'unstorable')
          ? new Refused('store_failed', 'refused')
          : undefined;
      const unstorable = one({ title: 'unstorable' });
      await ingest([aMessage(JSON.stringify([other, unstorable, one({})]), { message_id: 'm' })]);
      // as it was read: the severity in the routing key is the higher one
      expect(bodies()).toMatchObject([
        ['id_conflict', 'm/0', other],
        ['store_failed', 'm/1', { ...unstorable, severity: 'urgent', id: 'm/1' }],
      ]);
      expect(log.stored.map(({ message }) => message.id)).toEqual(['a', 'm/2']);
      // sent again alone, it is the same message, and none of the others comes with it
      log.trouble = () => undefined;
      const { body, message_id } = log.letters[1]!;
      expect(await ingest([aMessage(body.toString(), { message_id: message_id! })])).toEqual(
        settled({ outcome: 'stored' }),
      );
      expect(log.stored.map(({ message }) => message.id)).toEqual(['a', 'm/2', 'm/1']);
    });

    it('of a webhook that came over AMQP as well', async () => {
      const alert = (labels: object, fingerprint: string) => ({
        status: 'firing',
        labels: { alertname: 'A', ...labels },
        annotations: {},
        startsAt: '2026-01-02T03:04:05Z',
        fingerprint,
      });
      await ingest([
        aMessage(
          JSON.stringify({
            version: '4',
            groupKey: '{}',
            alerts: [alert({ tenant_id: bakery }, 'f'), alert({ tenant_id: 'a b' }, 'g')],
          }),
          { message_id: 'm' },
        ),
      ]);
      expect(log.stored).toHaveLength(1);
      expect(bodies()).toMatchObject([['invalid_field', 'm/1', { dedup_key: 'g', tenant_id: 'a b' }]]);
    });

    it('may hold none: an empty batch of CloudEvents leaves nothing', async () => {
      expect(await ingest([aMessage('[]', { content_type: 'application/cloudevents-batch+json' })])).toEqual(
        settled({ outcome: 'stored' }),
      );
      expect([log.stored, log.letters]).toEqual([[], []]);
    });
  });

  it('keeps with a dead letter what its redrive has to send', async () => {
    const headers = {
      'cloudEvents:id': 'e',
      'cloudEvents:time': { '!': 'timestamp', value: 7 },
      traceparent: '00-a',
      'x-death': [{ reason: 'expired' }],
      host: 'a',
    };
    await ingest([aMessage('no gzip', { content_encoding: 'gzip', headers })]);
    expect(log.letters).toMatchObject([
      { reason: 'invalid_encoding', body: Buffer.from('no gzip'), content_encoding: 'gzip' },
    ]);
    expect(log.letters[0]!.headers).toEqual({
      'cloudEvents:id': 'e',
      'cloudEvents:time': { '!': 'timestamp', value: 7 },
      traceparent: '00-a',
    });
  });

  it('takes the same id with another body for a conflict, not for a duplicate', async () => {
    await ingest([aMessage({ id: 'a' })]);
    expect(await ingest([aMessage({ id: 'a', title: 'another' })])).toMatchObject(
      settled({ outcome: 'dead', reason: 'id_conflict' }),
    );
    expect(log.letters).toMatchObject([{ tenant_id: bakery, reason: 'id_conflict' }]);
    expect(bus.hints).toHaveLength(1);
  });

  describe('of a delivery that holds several', () => {
    const alert = (fingerprint: string, more: object = {}) => ({
      status: 'firing',
      labels: { alertname: 'Cold', tenant_id: bakery },
      annotations: {},
      startsAt: '2026-01-02T03:04:05Z',
      fingerprint,
      ...more,
    });
    const group = (...alerts: unknown[]) => JSON.stringify({ version: '4', groupKey: '{}', alerts });
    const broken = alert('broken', {
      labels: {
        alertname: 'Cold',
        tenant_id: bakery,
        service: 's',
        severity: 'critical',
        ...Object.fromEntries(Array.from({ length: 2 }, (_, i) => [`l${i}`, 'x'])),
      },
      startsAt: '2026-01-02T03:04:05Z',
    });
    /** As a redrive publishes it. */
    const again = ({ body, routing_key, message_id }: DeadLetter): BatchMessage => ({
      body,
      routing_key: routing_key ?? '',
      message_id: message_id ?? 'dead-letter-1',
      redelivered: false,
    });

    it('keeps each that is refused in a letter of its own, which brings back nothing else', async () => {
      const refusedOnce = jest.fn((planned: readonly PlannedEvent[]) =>
        planned.some(({ message }) => message.dedup_key === 'broken') ? new Refused('store_failed', 'no') : undefined,
      );
      log.trouble = refusedOnce;
      const received = aMessage(group(alert('good'), broken, alert('nobodys', { labels: {} }), alert('fine')), {
        routing_key: 'monitoring',
        message_id: 'm',
      });
      expect(await ingest([received])).toMatchObject(settled({ outcome: 'dead' }));
      expect(log.stored.map(({ message }) => message.dedup_key)).toEqual(['good', 'fine']);
      expect(log.letters.map(({ reason, tenant_id, message_id }) => [reason, tenant_id, message_id]).sort()).toEqual([
        ['missing_tenant', null, 'm/2'],
        ['store_failed', bakery, 'm/1'],
      ]);
      for (const { body } of log.letters) expect(body.toString()).not.toMatch(/good|fine/);

      log.trouble = () => undefined;
      const [letter] = log.letters.filter(({ reason }) => reason === 'store_failed') as [DeadLetter];
      expect(await ingest([again(letter)])).toEqual(settled({ outcome: 'stored' }));
      expect(await ingest([again(letter)])).toEqual(settled({ outcome: 'duplicate' }));
      expect(log.stored.map(({ message }) => message.dedup_key)).toEqual(['good', 'fine', 'broken']);
      expect(log.stored[2]!.message).toMatchObject({
        service: 's',
        severity: 'urgent',
        labels: { l0: 'x', l1: 'x' },
        occurred_at: '2026-01-02T03:04:05.000Z',
      });
    });

    it('makes the same ids of the same delivery, so that one that comes again whole stores nothing again', async () => {
      const received = aMessage(group(alert('good'), alert('fine')), { routing_key: 'monitoring', message_id: 'm' });
      expect(await ingest([received])).toEqual(settled({ outcome: 'stored' }));
      expect(await ingest([{ ...received, redelivered: true }])).toEqual(settled({ outcome: 'duplicate' }));
      expect(log.stored).toHaveLength(2);
    });
  });

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

  it('gives the batch back when the event log is away, and sends no hint', async () => {
    log.trouble = () => new Unavailable('log', 'PostgreSQL cannot be reached');
    expect(await ingest([aMessage({ id: 'a' }), aMessage('not json')])).toEqual({
      kind: 'retry',
      reason: 'PostgreSQL cannot be reached',
    });
    expect([log.letters, bus.hints]).toEqual([[], []]);
    expect(await counted('tocsin_ingest_messages_total', { result: 'stored' })).toBe(0);
  });

  it('gives the batch back when its dead letters cannot be put on record; what was stored is a duplicate the next time', async () => {
    log.buryTrouble = () => new Unavailable('log', 'away');
    const batch = [aMessage({ id: 'a' }), aMessage('not json')];
    expect(await ingest(batch)).toMatchObject({ kind: 'retry' });

    log.buryTrouble = () => undefined;
    expect(await ingest(batch)).toMatchObject(
      settled({ outcome: 'duplicate' }, { outcome: 'dead', reason: 'invalid_json' }),
    );
    expect(log.stored).toHaveLength(1);
  });

  it('gives the batch back after a fault of its own: nothing was decided about the messages', async () => {
    log.trouble = () => new TypeError('x is not a function');
    expect(await ingest([aMessage({ id: 'a' })])).toEqual({ kind: 'retry', reason: 'x is not a function' });
  });

  it('lets a dead letter go that the event log refuses, and keeps the others on record', async () => {
    log.buryTrouble = (letters) =>
      letters.some(({ routing_key }) => routing_key === 'odd') ? new Refused('store_failed', 'no') : undefined;
    const outcome = await ingest([aMessage('1'), aMessage('2', { routing_key: 'odd' }), aMessage('3')]);
    expect(outcome).toMatchObject(settled({ outcome: 'dead' }, { outcome: 'dead' }, { outcome: 'dead' }));
    expect(log.letters.map(({ body }) => body.toString())).toEqual(['1', '3']);
  });

  it('settles although the bus is away, and counts the failure', async () => {
    bus.away = true;
    expect(await ingest([aMessage({ id: 'a' })])).toEqual(settled({ outcome: 'stored' }));
    expect(await counted('tocsin_publish_failures_total')).toBe(1);
    expect(await counted('tocsin_events_published_total', { tenant: bakery })).toBe(0);
  });

  it.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', null],
    ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', null],
    ['anything', null],
    [{ nested: true }, null],
    [undefined, null],
  ])('reads the trace id of traceparent %p', async (traceparent, traceId) => {
    await ingest([aMessage({ id: 'a' }, { headers: { traceparent } })]);
    expect(log.stored[0]!.trace_id).toBe(traceId);
  });

  it('counts which names of other systems it understood, and how many fields are unknown', async () => {
    await ingest([aMessage({ id: 'a', summary: 'Flour is low', colour: 'red', shape: 'round' })]);
    expect(await counted('tocsin_understood_names_total', { name: 'summary' })).toBe(1);
    expect(await counted('tocsin_unknown_fields_total')).toBe(2);
  });

  const aLowMessage = (body: object) => aMessage({ severity: 'low', ...body }, { routing_key: 'alert.low.inventory' });

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

  it('puts on record what the queue gave up, without reading it, and counts it separately', async () => {
    const outcome = await ingest([{ ...aMessage({ id: 'a' }), given_up: 'delivery_limit' }]);
    expect(outcome).toMatchObject(settled({ outcome: 'dead', reason: 'delivery_limit' }));
    expect(log.letters).toMatchObject([
      { tenant_id: null, reason: 'delivery_limit', routing_key: 'alert.urgent.inventory' },
    ]);
    expect(log.batches).toHaveLength(0);
    expect(await counted('tocsin_ingest_messages_total', { result: 'delivery_limit' })).toBe(1);
    expect(await counted('tocsin_ingest_messages_total', { result: 'dead' })).toBe(0);
  });

  it('answers an empty batch with the state of the log', async () => {
    expect(await ingest([])).toEqual(settled());
    log.trouble = () => new Unavailable('log', 'away');
    expect(await ingest([])).toEqual({ kind: 'retry', reason: 'away' });
  });
});
