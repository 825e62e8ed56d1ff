import type { Envelope, Judgement, ParsedMessage } from '../parsed-message';
import { parseMessages } from '../read-messages';

const ours = { tenant_id: 'bakery', service: 'ovens', severity: 'low', id: 'a', title: 'cold' };
const event = { specversion: '1.0', id: 'e', source: '/ovens', type: 't', tenantid: 'bakery', severity: 'low' };
const read = (body: unknown, envelope: Envelope = {}, judgement: Judgement = 'lenient'): ParsedMessage[] =>
  parseMessages(Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)), envelope, judgement).messages;

describe('what a client library puts around a message is taken off, at both doors', () => {
  it.each<[string, unknown]>([
    ["Nest's packet", { pattern: 'alerts', data: ours }],
    ["Nest's packet with a pattern that is an object", { pattern: { cmd: 'alert' }, data: ours }],
    ["Nest's request", { pattern: 'alerts', data: ours, id: '7f3' }],
    ["Nest's packet with JSON text", { pattern: 'alerts', data: JSON.stringify(ours) }],
    ['JSON text', JSON.stringify(ours)],
    ['JSON text twice', JSON.stringify(JSON.stringify(ours))],
    ['JSON text with blanks', `\n ${JSON.stringify(ours)} `],
  ])('%s', (_, body) => {
    for (const judgement of ['lenient', 'strict'] as const)
      expect(read(body, {}, judgement)).toMatchObject([{ ok: true, message: ours }]);
  });

  it.each<[string, unknown, number]>([
    ['a CloudEvent', { pattern: 'alerts', data: event }, 1],
    ['a list', { pattern: 'alerts', data: [ours, event] }, 2],
    ['a list as text', JSON.stringify([ours, event]), 2],
  ])('around %s', (_, body, count) => {
    const messages = read(body);
    expect(messages.map(({ ok }) => ok)).toEqual(Array.from({ length: count }, () => true));
  });

  it('and a refusal says where', () => {
    expect(read({ pattern: 'alerts', data: { ...ours, severty: 'x' } }, {}, 'strict')).toMatchObject([
      { ok: false, errors: [{ pointer: '/data/severty' }] },
    ]);
    expect(read({ pattern: 'alerts', data: [ours, { ...ours, tenant_id: 'a b' }] })[1]).toMatchObject({
      ok: false,
      errors: [{ pointer: '/data/1/tenant_id' }],
    });
  });

  it('but nothing else: three times at most, and no message of ours', () => {
    const four = [1, 2, 3, 4].reduce<unknown>((inner) => JSON.stringify(inner), ours);
    expect(read(four)).toMatchObject([{ ok: false, code: 'invalid_json' }]);
    expect(read({ ...ours, pattern: 'p', data: { x: 1 } })).toMatchObject([
      { ok: true, message: { ...ours, metadata: { x: 1, pattern: 'p' } } },
    ]);
    expect(read('"text"')).toMatchObject([{ ok: false, code: 'invalid_json' }]);
    expect(read('{"a":"\\u0000"}')).toMatchObject([{ ok: false, code: 'control_characters' }]);
  });
});

describe('an envelope of another system is refused by its name', () => {
  it.each<[string, unknown]>([
    [
      'MassTransit',
      { messageId: 'm', messageType: ['urn:message:Shop:OrderLate'], message: ours, sentTime: '2026-01-02T03:04:05Z' },
    ],
    ['Celery', [[], { tenant_id: 'bakery' }, { callbacks: null, errbacks: null, chain: null, chord: null }]],
    ['Celery', { task: 'alerts.raise', id: 'x', args: [], kwargs: ours }],
    [
      'Amazon SNS',
      {
        Type: 'Notification',
        MessageId: 'm',
        TopicArn: 'arn:aws:sns:eu-west-1:1:alerts',
        Message: JSON.stringify(ours),
        Timestamp: '2026-01-02T03:04:05.000Z',
      },
    ],
    [
      'Amazon EventBridge',
      {
        version: '0',
        id: 'x',
        'detail-type': 'Order late',
        source: 'shop',
        account: '1',
        time: '2026-01-02T03:04:05Z',
        region: 'eu',
        resources: [],
        detail: ours,
      },
    ],
    ['Amazon SQS or S3', { Records: [{ eventSource: 'aws:sqs', body: '{}' }] }],
    [
      'Google Cloud Pub/Sub',
      {
        message: { data: 'e30=', messageId: '1', publishTime: '2026-01-02T03:04:05Z' },
        subscription: 'projects/p/subscriptions/s',
      },
    ],
    [
      'Azure Event Grid',
      {
        id: '1',
        eventType: 'Shop.OrderLate',
        subject: 'orders/1',
        eventTime: '2026-01-02T03:04:05Z',
        data: {},
        dataVersion: '1.0',
      },
    ],
    ['Spring Integration', { payload: ours, headers: { id: 'x', timestamp: 1_767_322_800_000 } }],
    [
      'Kafka Connect or Debezium',
      { schema: { type: 'struct', fields: [] }, payload: { before: null, after: {}, op: 'c' } },
    ],
    [
      'Laravel',
      {
        uuid: 'x',
        displayName: 'App\\Jobs\\Raise',
        job: 'Illuminate\\Queue\\CallQueuedHandler@call',
        data: { commandName: 'App\\Jobs\\Raise', command: 'O:14' },
      },
    ],
    ['Sidekiq', { class: 'RaiseAlert', args: [1], jid: 'x', queue: 'default' }],
    ['Active Job', { job_class: 'RaiseAlert', job_id: 'x', arguments: [] }],
    ['Nest', { pattern: 'alerts', data: 7 }],
  ])('%s', (system, body) => {
    for (const judgement of ['lenient', 'strict'] as const) {
      expect(read(body, {}, judgement)).toMatchObject([
        {
          ok: false,
          code: 'foreign_envelope',
          errors: [{ detail: expect.stringContaining(`This is a message of ${system},`) }],
        },
      ]);
    }
  });

  it('unless it is a message of ours all the same', () => {
    expect(read({ ...ours, messageType: ['urn:message:a:b'], message: 'cold' })).toMatchObject([{ ok: true }]);
  });

  it.each<[string, Buffer]>([
    ['Java serialization', Buffer.from('aced0005740003616263', 'hex')],
    ['a Python pickle', Buffer.from('80049509', 'hex')],
    ['XML', Buffer.from('<?xml version="1.0"?><a/>')],
    ['Zstandard', Buffer.from('28b52ffd0458', 'hex')],
  ])('and what is no JSON is told what it looks like: %s', (name, bytes) => {
    expect(read(bytes)).toMatchObject([
      {
        ok: false,
        code: expect.stringMatching(/^invalid_(utf8|json)$/),
        errors: [{ detail: expect.stringContaining(`It looks like ${name}`) }],
      },
    ]);
  });
});

describe('a CloudEvent that lacks an attribute is told which', () => {
  it.each<[string[], Record<string, unknown>, Envelope]>([
    [['/source'], { specversion: '1.0', id: 'a', type: 't', tenantid: 'bakery' }, {}],
    [['/id', '/type'], { specversion: '1.0', source: '/a' }, {}],
    [['/id'], { ...event, id: '' }, {}],
    [['/id'], { ...event, id: 7 }, {}],
    [['/specversion'], { ...event, specversion: '0.3' }, {}],
    [['/specversion'], { ...event, specversion: 1 }, {}],
    [
      ['/specversion'],
      { ...event, specversion: undefined },
      { headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' } },
    ],
  ])('%j, structured', (pointers, body, envelope) => {
    const [parsed] = read(body, envelope, 'strict');
    expect(parsed).toMatchObject({
      ok: false,
      code: 'invalid_field',
      errors: pointers.map((pointer) => ({ pointer })),
    });
    expect(read([ours, body], envelope)[1]).toMatchObject({
      ok: false,
      errors: pointers.map((pointer) => ({ pointer: `/1${pointer}` })),
    });
  });

  it('in binary mode, by name', () => {
    expect(
      read(
        { message: 'cold' },
        { headers: { 'ce-specversion': '1.0', 'ce-id': 'a', 'ce-type': 't', 'ce-tenantid': 'bakery' } },
        'strict',
      ),
    ).toMatchObject([
      { ok: false, code: 'invalid_field', errors: [{ detail: expect.stringContaining('needs the attribute source') }] },
    ]);
  });
});

describe('a list is a batch', () => {
  const keptOf = (parsed: ParsedMessage): unknown =>
    JSON.parse(Buffer.from((parsed.ok ? undefined : parsed.bytes) ?? []).toString());
  const list = (...values: unknown[]) => read(values, { message_id: 'm', timestamp: 1_767_322_800 });

  it('of any content, each under an id of its own', () => {
    const bare = { tenant_id: 'bakery', service: 'ovens', severity: 'low' };
    const group = {
      version: '4',
      groupKey: '{}',
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'A', tenant_id: 'bakery' },
          annotations: {},
          startsAt: '2026-01-02T03:04:05Z',
          fingerprint: 'f',
        },
      ],
    };
    const messages = list(ours, event, bare, bare, group, JSON.stringify(ours));
    expect(messages.map((parsed) => (parsed.ok ? parsed.message.id : parsed)).slice(0, 4)).toEqual([
      'a',
      '/ovens#e',
      'm/2',
      'm/3',
    ]);
    expect(messages.every(({ ok }) => ok)).toBe(true);
    // and the ids are the same when it comes again without one
    const again = () =>
      read([bare, bare, { ...bare, title: 'x' }], { timestamp: 1_767_322_800 }).map((parsed) =>
        parsed.ok ? parsed.message.id : parsed,
      );
    expect(again()).toEqual(again());
    expect(new Set(again()).size).toBe(3);
  });

  it('of which one that is refused harms none, and is a message alone', () => {
    const bad = { ...ours, tenant_id: 'a b' };
    const messages = list(ours, bad, 7, [ours]);
    expect(messages.map(({ ok }) => ok)).toEqual([true, false, false, false]);
    expect(messages.slice(1)).toMatchObject([
      { errors: [{ pointer: '/1/tenant_id' }] },
      { errors: [{ pointer: '/2' }] },
      { errors: [{ pointer: '/3' }] },
    ]);
    expect(keptOf(messages[1]!)).toEqual(bad);
  });

  it('of thousands that are refused makes no thousands of letters, and none is lost', () => {
    const values = [ours, ...Array.from({ length: 8_000 }, (_, n) => (n % 2 ? n : {}))];
    const messages = list(...values);
    expect(messages[0]).toMatchObject({ ok: true });
    expect(messages.length).toBeLessThan(10);
    const kept = messages.slice(1).flatMap(keptOf);
    expect(kept).toHaveLength(8_000);
  });

  it('empty is one of CloudEvents, and else a mistake', () => {
    expect(read([], { content_type: 'application/cloudevents-batch+json' })).toEqual([]);
    expect(read([])).toMatchObject([{ ok: false, code: 'invalid_json' }]);
  });

  it('but of a CloudEvent in binary mode it is the data', () => {
    const headers = Object.fromEntries(Object.entries(event).map(([name, value]) => [`cloudEvents:${name}`, value]));
    expect(read([ours, ours], { headers })).toMatchObject([
      { ok: true, message: { id: '/ovens#e', metadata: { data: [ours, ours] } } },
    ]);
  });
});
