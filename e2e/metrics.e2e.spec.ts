import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { BuiltCopy } from './faults/built-copy';
import { DeliverySink } from './faults/delivery-sink';
import { ask } from './kit/http';
import { Series } from './kit/metric-series';
import { OtlpReceiver } from './kit/otlp-receiver';
import type { AppProcess } from './kit/processes';
import { Stack } from './kit/stack';
import { publisherToken, tokenFor } from './kit/tokens';

/** `connection.blocked` as a broker with an alarm sends it: a method frame on channel 0. */
const BLOCKED = Buffer.from('0100000000000b000a003c066d656d6f7279ce', 'hex');

/** Whose series are not known before: tenants, and what one sees there for the first time. */
const OPEN_LABEL = /^tocsin_events_published_total\{tenant=/;

const message = (id: string, more: object = {}) => ({
  tenant_id: 'bakery',
  service: 'oven',
  severity: 'low',
  title: id,
  id,
  ...more,
});

describe('the metrics of a gateway, a processor and a notifier that live through a little of everything', () => {
  let stack: Stack;
  let redis: FaultProxy;
  let amqp: FaultProxy;
  let gateway: AppProcess;
  /** Another gateway, which publishes to PostgreSQL. No processor takes messages from there. */
  let ofInbox: AppProcess;
  let processor: AppProcess;
  let notifier: AppProcess;
  let build: BuiltCopy;
  let collector: OtlpReceiver;
  let sink: DeliverySink;
  /** What each app shows when it has started, before the first request. */
  const atFirst = new Map<AppProcess, Series>();
  const seen = new Map<AppProcess, Series[]>();

  beforeAll(async () => {
    redis = await FaultProxy.to(process.env.REDIS_URL!);
    amqp = await FaultProxy.to(process.env.RABBITMQ_URL!);
    collector = await OtlpReceiver.start();
    stack = await Stack.open({ tenants: { ana: ['bakery'] }, gateways: 0, processors: 0 });
    const through = {
      REDIS_URL: redis.via(stack.environment.REDIS_URL!),
      RABBITMQ_URL: amqp.via(stack.environment.RABBITMQ_URL!),
      ...collector.environment,
      OTEL_TRACES_SAMPLER: 'parentbased_always_off',
    };
    const plain = { REDIS_PLAIN: 'both', REDIS_PLAIN_PREFIX: `${stack.prefix}plain:` };
    processor = await stack.startProcessor({ ...through, ...plain });
    // a gateway looks for dead letters when it starts, and 15 s later
    await stack.sql(
      `insert into tocsin.dead_letter (tenant_id, reason, detail, body, routing_key) values ('bakery', 'store_failed', '', 'x', 'any.key')`,
    );
    // SMS arrive, webhooks fail, and no push messages are sent
    build = new BuiltCopy();
    sink = await DeliverySink.start();
    sink.answer = ({ channel }) => (channel === 'sms' ? 'accept' : 'fail');
    notifier = await stack.startNotifier({}, build.programWith('notifier', '', sink.url));
    gateway = await stack.startGateway({
      ...through,
      STREAMS_PER_USER: '1',
      STREAM_INITIAL_EVENTS: '0',
      REQUESTS_PER_TOKEN: '20',
      PROXY_ROUTES: `/else=${processor.adminUrl}`,
    });
    ofInbox = await stack.startGateway({ QUEUE: 'postgres', RABBITMQ_URL: '' });
    for (const app of [gateway, ofInbox, processor, notifier]) {
      atFirst.set(app, await Series.of(app));
      seen.set(app, [atFirst.get(app)!]);
    }
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    await Promise.all([redis?.close(), amqp?.close(), sink?.close(), collector?.close()]);
    build?.remove();
  }, 60_000);

  /** Gauges come and go: what they show is kept. */
  const look = async () => {
    for (const [app, all] of seen) all.push(await Series.of(app));
  };
  const publish = (body: unknown) => stack.amqp.publish('alert.low.oven', body);
  const post = (path: string, body: unknown, to = gateway) =>
    ask(to.url, path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${publisherToken()}` },
      body: JSON.stringify(body),
    });
  const moves = (app: AppProcess, name: string) =>
    eventually(async () => expect(await app.metric(name)).toBeGreaterThan(0), 20_000);

  it('show every series at 0 before anything happened', () => {
    for (const [app, series] of atFirst) {
      expect([app.app, series.moved(['counter', 'histogram'])]).toEqual([app.app, []]);
    }
    const [ofGateway, ofProcessor, ofNotifier] = [gateway, processor, notifier].map((app) => atFirst.get(app)!.empty());
    // the names of producers' fields are there where messages are parsed
    const ofParser = ['tocsin_understood_names_total'];
    expect([ofGateway, ofProcessor, ofNotifier]).toEqual([ofParser, [], ofParser]);
  });

  it('move where something happens', async () => {
    // messages: fine, under other names, known already, dead, and too large to be held beside others
    for (const id of ['two', 'two']) await publish(message(id));
    await publish(message('one', { severity: 'urgent' }));
    await publish({ tenant_id: 'bakery', source: 'oven', severity: 'low', summary: 'other names', colour: 'red' });
    await publish('no alert');
    await publish(Buffer.alloc(70_000, 'x'));
    await stack.stored(3);
    await eventually(async () => expect(await stack.sql('select 1 from tocsin.dead_letter')).toHaveLength(3), 20_000);
    expect(await processor.metric('tocsin_event_delivery_seconds_count', '"urgent"')).toBe(1);

    // a message that no processor takes from its queue
    expect((await post('/api/v1/events?tenant=bakery', message('waiting'), ofInbox)).status).toBe(202);

    // a request for another service
    await ask(gateway.url, '/else/where');

    // a webhook of which one part is refused, one is dropped, and one holds what cannot be stored
    const alert = (fingerprint: string, severity: string) => ({
      status: 'firing',
      labels: { alertname: 'Cold', severity },
      annotations: { summary: 'Cold\u0007' },
      startsAt: '2026-01-02T03:04:05Z',
      endsAt: '0001-01-01T00:00:00Z',
      fingerprint,
    });
    const group = {
      version: '4',
      groupKey: '{}',
      status: 'firing',
      receiver: 'r',
      externalURL: 'http://am',
      truncatedAlerts: 0,
      groupLabels: {},
      commonLabels: {},
      commonAnnotations: {},
      alerts: [alert('a', 'high'), alert('b', 'none'), alert('x'.repeat(300), 'high')],
    };
    expect((await post('/api/v1/events?tenant=bakery&severity_none=drop', group)).status).toBe(202);
    await stack.stored(4);

    // streams: one that is behind, one too many, one without a credential
    const stream = await stack.watch('ana', { query: { since: '10' } });
    await stream.entry('one');
    expect((await ask(gateway.url, '/api/events', { headers: { Authorization: 'Bearer no' } })).status).toBe(401);
    const tooMany = await ask(gateway.url, '/api/events', { headers: { Authorization: `Bearer ${tokenFor('ana')}` } });
    expect(tooMany.status).toBe(429);
    const asks = { headers: { Authorization: `Bearer ${tokenFor('ana', { jti: 'often' })}` } };
    // one that Redis does not count in time is not refused
    await eventually(async () => expect((await ask(gateway.url, '/api/v1/tenants', asks)).status).toBe(429));
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await stack.amqp.publish('alert.low.oven', message('live'), { headers: { traceparent } });
    const { seq } = JSON.parse((await stream.entry('live')).data) as { seq: number };
    // a client says that it was shown
    const report = { sent_at: Date.now(), shown: [{ tenant_id: 'bakery', seq, shown_at: Date.now() }] };
    const told = await ask(gateway.url, '/api/v1/me/shown', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${tokenFor('ana')}` },
      body: JSON.stringify(report),
    });
    expect(told.status).toBe(204);
    // to the gateway, which has no bridge, it is no hint; the processor takes it, and it becomes a dead letter
    await stack.redis.publish(`${stack.prefix}alerts:bakery`, 'no hint');
    await moves(gateway, 'tocsin_invalid_hints_total');
    await look();

    // Redis is away: what is stored is found by the position check, and caps hold one gateway
    redis.refuse();
    redis.cut();
    await publish(message('without Redis'));
    await stream.entry('without Redis');
    stream.close();
    await eventually(async () => expect(await gateway.metric('tocsin_sse_connections')).toBe(0));
    const second = await stack.watch('ana');
    redis.refuse(false);

    // the database is restored under an open stream
    await stack.sql(`update tocsin.tenant_stream set epoch = 'another'`);
    await second.frame('reset');
    second.close();

    // the connection to the broker breaks while a message is in hand, and then the broker has an alarm
    await stack.sql('begin');
    await stack.sql('select from tocsin.tenant_stream for update');
    await publish(message('in hand'));
    await eventually(async () => expect(await stack.amqp.depth()).toBe(0));
    await eventually(async () =>
      expect(
        await stack.sql(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        ),
      ).not.toEqual([]),
    );
    amqp.cut();
    await stack.sql('commit');
    await stack.stored(7);

    // people are told: one is, one cannot be reached, and one has to wait
    const hooks = Array.from({ length: 6 }, (_, index) => `https://example.com/${index}`);
    const toTell = { channels: ['sms', 'webhook', 'push'], recipients: ['+4917012345678', 'user:ana', ...hooks] };
    await publish(message('told', toTell));
    await stack.stored(8);
    // a gateway that is still in the handshake of its next connection would not understand the broker
    await eventually(async () =>
      expect((await post('/api/v1/events?tenant=bakery', message('accepted again'))).status).toBe(202),
    );
    await stack.stored(9);
    amqp.inject(BLOCKED);
    await eventually(() => look().then(() => expect(still()).toEqual([])), 40_000);
  }, 120_000);

  it('tell how long a queue in PostgreSQL is, and that it takes no messages once it is full', async () => {
    const fill = `insert into tocsin.inbox (urgent, routing_key, body) select false, 'alert.low.oven', 'x' from generate_series(1, 100000)`;
    await stack.sql(fill);
    await eventually(async () => {
      expect(await ofInbox.metric('tocsin_queue_messages', 'kind="common"')).toBe(100_001);
      expect(await ofInbox.metric('tocsin_intake_blocked')).toBe(1);
    }, 20_000);
    const refused = await post('/api/v1/events?tenant=bakery', message('one too many'), ofInbox);
    expect([refused.status, refused.json.code]).toEqual([503, 'queue_full']);
  }, 60_000);

  const declared = (): string[] => [...new Set([...atFirst.values()].flatMap((series) => series.names()))].sort();

  /** Those that nothing has moved yet, in either app. */
  const still = (): string[] => {
    const moved = new Set([...seen.values()].flat().flatMap((series) => series.movedNames()));
    return declared().filter((name) => !moved.has(name));
  };

  it('have no series that was not there from the start', async () => {
    await look();
    for (const [app, all] of seen) {
      const known = new Set(atFirst.get(app)!.keys(['counter', 'histogram']));
      const born = all.flatMap((series) => series.keys(['counter', 'histogram']));
      expect([app.app, [...new Set(born)].filter((key) => !known.has(key) && !OPEN_LABEL.test(key))]).toEqual([
        app.app,
        [],
      ]);
    }
  });
});
