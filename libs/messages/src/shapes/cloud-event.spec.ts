import { routingKeyOf } from '../routing-key';
import { parseMessages } from '../read-messages';
import type { AlertMessage } from '../alert-message';
import type { Envelope, Judgement, ParsedMessage } from '../parsed-message';

type Accepted = Extract<ParsedMessage, { ok: true }>;

const event = (more: object = {}) => ({
  specversion: '1.0',
  id: 'e-1',
  source: '/services/orders',
  type: 'order.late',
  tenantid: 'bakery',
  severity: 'low',
  ...more,
});

function read(body: unknown, envelope: Envelope = {}, judgement: Judgement = 'strict'): Accepted {
  const [parsed] = parseMessages(Buffer.from(JSON.stringify(body)), envelope, judgement).messages;
  if (!parsed?.ok) throw new Error(`refused: ${JSON.stringify(parsed)}`);
  return parsed;
}
/** Reads what came by HTTP, as the processor does. */
const throughTheQueue = (message: AlertMessage): Accepted =>
  read(message, { routing_key: routingKeyOf(message) }, 'lenient');

const asHeaders = (
  prefix: string,
  { data: _, ...attributes }: Record<string, unknown>,
  encode: (text: string) => string = String,
) => Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`${prefix}${name}`, encode(String(value))]));

/** The four transports of one event, each as the processor receives it. */
const WAYS: Record<string, (given: Record<string, unknown>) => Accepted> = {
  'HTTP, structured': (given) => throughTheQueue(read(given).message),
  'HTTP, binary': (given) =>
    throughTheQueue(read(given.data ?? {}, { headers: asHeaders('ce-', given, encodeURIComponent) }).message),
  'AMQP, structured': (given) => read(given, {}, 'lenient'),
  'AMQP, binary': (given) => read(given.data ?? {}, { headers: asHeaders('cloudEvents:', given) }, 'lenient'),
};

describe('what tells one CloudEvent from another', () => {
  const data = { message: 'It is late', stock: 2 };
  const inEveryWay = (more: object) => Object.entries(WAYS).map(([, way]) => way(event({ data, ...more })));
  const nameOf = ({ message: { id }, body_hash }: Accepted) => `${id} ${body_hash}`;

  it.each<[string, object]>([
    ['common', {}],
    ['with a time', { time: '2026-01-02T03:04:05Z' }],
    ['with extensions of other types', { count: 5, flag: true, subject: 'a/b' }],
    ['with an id of 500 characters', { id: 'x'.repeat(500) }],
    ['with an id in other letters', { id: 'zażółć %41 "quoted"' }],
    ['with a source in other letters', { source: 'https://example.com/zażółć?a=b%20c' }],
    ['with a long type', { type: `com.example.${'x'.repeat(300)}` }],
  ])('is the same over HTTP and AMQP, structured and binary: %s', (_, more) => {
    expect(new Set(inEveryWay(more).map(nameOf)).size).toBe(1);
  });

  it.each<[string, object, object]>([
    ['two sources', { source: '/a/orders' }, { source: '/b/orders' }],
    ['two ids', { id: 'a' }, { id: 'b' }],
    [
      'sources and ids that are the same when they stand together',
      { source: '/a#b', id: 'c' },
      { source: '/a', id: 'b#c' },
    ],
    ['long ids that differ in the end', { id: `${'x'.repeat(300)}1` }, { id: `${'x'.repeat(300)}2` }],
    ['long sources', { source: `/${'x'.repeat(300)}/a/orders` }, { source: `/${'x'.repeat(300)}/b/orders` }],
  ])('%s are two alerts', (_, one, other) => {
    for (const way of Object.values(WAYS)) expect(way(event(one)).message.id).not.toBe(way(event(other)).message.id);
  });

  it.each<[string, object]>([
    ['traceparent', { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }],
    ['tracestate', { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' }],
    [
      "Dapr's trace",
      { traceid: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', traceparent: '', tracestate: '' },
    ],
    ["Knative's arrival", { knativearrivaltime: '2026-01-02T03:04:05Z', knativehistory: 'default-kne-trigger; ' }],
    ['baggage', { baggage: 'user=ana' }],
  ])('is not its %s: with another it is a duplicate', (_, more) => {
    expect(new Set([...inEveryWay({}), ...inEveryWay(more)].map(nameOf)).size).toBe(1);
  });

  it('is everything else: another body under its source and id is a conflict', () => {
    for (const more of [{ data: { stock: 3 } }, { subject: 'other' }, { type: 'order.lost' }, { correlationid: '7' }])
      expect(read(event(more)).body_hash).not.toBe(read(event({ data })).body_hash);
    // metadata of Tocsin's own messages does not make them CloudEvents
    const ours = (traceparent: string) =>
      read({ tenant_id: 't', service: 's', severity: 'low', id: 'a', metadata: { traceparent } }).body_hash;
    expect(ours('a')).not.toBe(ours('b'));
  });

  it('keeps its trace where people look for it', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    for (const way of Object.values(WAYS))
      expect(way(event({ traceparent })).message.metadata).toMatchObject({ cloudevent: { traceparent } });
  });
});

describe('a CloudEvent', () => {
  it.each<[string, object, object]>([
    ['a common id', {}, { id: '/services/orders#e-1' }],
    [
      'an id of 5,000 characters',
      { id: 'é'.repeat(5_000) },
      { id: expect.stringMatching(/^[\w-]{22}$/), metadata: { cloudevent: { id: 'é'.repeat(5_000) } } },
    ],
    ['an id with blanks around', { id: ' a ' }, { metadata: { cloudevent: { id: ' a ' } } }],
    [
      'a type of 5,000 characters',
      { type: 'x'.repeat(5_000) },
      { name: 'x'.repeat(100), metadata: { cloudevent: { type: 'x'.repeat(5_000) } } },
    ],
    [
      'a type with other characters',
      { type: 'com.bäckerei/ofen kalt!' },
      {
        name: 'com.b_ckerei/ofen_kalt',
        title: 'com.bäckerei/ofen kalt!',
        metadata: { cloudevent: { type: 'com.bäckerei/ofen kalt!' } },
      },
    ],
    ['a type that no name could be made of', { type: '炉が冷たい' }, { title: '炉が冷たい' }],
    [
      'a type of underscores alone, 60,000 of them',
      { type: '_'.repeat(60_000) },
      { metadata: { cloudevent: { type: '_'.repeat(60_000) } } },
    ],
    ['a type that begins with a dot', { type: '.a_' }, { name: 'a', title: '.a_' }],
    ['a source that names no service', { source: '/' }, { service: 'cloudevents' }],
    ['a source of other letters alone', { source: '/печь' }, { service: 'cloudevents' }],
    ['a source of 60,000 slashes', { source: `${'/'.repeat(60_000)}x` }, { service: 'x' }],
    ['a source of 60,000 dashes', { source: `a${'-'.repeat(60_000)}b` }, { service: 'b' }],
    [
      'a key of 255 characters',
      { dedupkey: 'k'.repeat(255), time: '2026-01-02T03:04:05Z' },
      { dedup_key: expect.stringMatching(/^[\w-]{22}$/), metadata: { cloudevent: { dedupkey: 'k'.repeat(255) } } },
    ],
    [
      'a key of 200 characters',
      { dedupkey: 'k'.repeat(200), time: '2026-01-02T03:04:05Z' },
      { dedup_key: 'k'.repeat(200) },
    ],
    ['a leap second', { time: '2016-12-31T23:59:60Z' }, { occurred_at: '2016-12-31T23:59:59.999Z' }],
  ])('with %s is taken', (_, more, expected) => {
    const since = performance.now();
    for (const way of Object.values(WAYS).slice(0, 1)) expect(way(event(more)).message).toMatchObject(expected);
    expect(performance.now() - since).toBeLessThan(500);
  });

  it('may tell its time as AMQP does', () => {
    const headers = {
      ...asHeaders('cloudEvents:', event()),
      'cloudEvents:time': { '!': 'timestamp', value: 1_767_323_045 },
    };
    expect(read({}, { headers }, 'lenient').message.occurred_at).toBe('2026-01-02T03:04:05.000Z');
  });

  it('has no character in its attributes that cannot be stored', () => {
    expect(
      read({}, { headers: { ...asHeaders('ce-', event()), 'ce-subject': 'a%00b' } }).message.metadata,
    ).toMatchObject({ cloudevent: { subject: 'a\ufffdb' } });
  });

  const inside = { tenant_id: 'dairy', severity: 'high', message: 'cold', celsius: 41 };
  const alert = { tenant_id: 'dairy', severity: 'high', message: 'cold', metadata: { celsius: 41 } };
  const base64 = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
  it.each<[string, object, object]>([
    [
      'JSON text, as Dapr sends what was published as text',
      { data: JSON.stringify(inside), datacontenttype: 'text/plain', pubsubname: 'pubsub', topic: 'alerts' },
      alert,
    ],
    ['JSON text that says it is JSON', { data: JSON.stringify(inside), datacontenttype: 'application/json' }, alert],
    ['base64 of JSON', { data_base64: base64(inside), datacontenttype: 'application/json' }, alert],
    [
      'base64 of JSON with a suffix',
      { data_base64: base64(inside), datacontenttype: 'application/vnd.example+json; charset=utf-8' },
      alert,
    ],
    ['base64 without a type', { data_base64: base64(inside) }, alert],
    ['base64 of text', { data_base64: base64('kält'), datacontenttype: 'text/plain' }, { message: 'kält' }],
    [
      'base64 of something else',
      { data_base64: 'AAEC', datacontenttype: 'image/png' },
      { metadata: { cloudevent: { data_base64: 'AAEC' } } },
    ],
    [
      'base64 that is no JSON',
      { data_base64: base64('{'), datacontenttype: 'application/json' },
      { metadata: { cloudevent: { data_base64: base64('{') } } },
    ],
    ['text that only looks like JSON', { data: '{cold}' }, { message: '{cold}' }],
    ['JSON text of a list', { data: '[1]' }, { message: '[1]' }],
  ])('holds %s', (_, more, expected) => expect(read(event(more)).message).toMatchObject(expected));

  it('says where in its base64 it is wrong', () => {
    const [parsed] = parseMessages(
      Buffer.from(JSON.stringify(event({ data_base64: base64({ severity: 'odd' }) }))),
      {},
      'strict',
    ).messages;
    expect(parsed).toMatchObject({ ok: false, errors: [{ pointer: '/data_base64/severity' }] });
  });
});

it.each<[string, number, boolean]>([
  ['short', 1, true],
  ['of 200', 200, true],
  ['of 255', 255, false],
])('a dedup_key of PagerDuty, %s, is one alert', (_, length, exact) => {
  const key = 'k'.repeat(length);
  const page = (event_action: string) =>
    read(
      { routing_key: 'r', event_action, dedup_key: key, payload: { summary: 's', source: 'h', severity: 'error' } },
      { tenant_id: 't' },
    ).message;
  expect(page('trigger').dedup_key).toBe(page('resolve').dedup_key);
  expect(page('trigger').dedup_key === key).toBe(exact);
  if (!exact) expect(page('trigger').metadata).toMatchObject({ dedup_key: key });
});
