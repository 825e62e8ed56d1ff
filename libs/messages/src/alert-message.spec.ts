import fc from 'fast-check';
import { asSaid } from './published-form';
import { MAX_MESSAGE_BYTES, parseAlertMessage } from './parse-alert-message';
import type { Envelope, Judgement, ParsedMessage } from './parsed-message';

const bytes = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const parse = (body: unknown, envelope: Envelope = {}, judgement: Judgement = 'lenient') =>
  parseAlertMessage(bytes(body), envelope, judgement);
const valid = { tenant_id: 'bakery', service: 'inventory', severity: 'urgent', id: 'a-1', title: 'Flour is low' };

function accepted(parsed: ParsedMessage) {
  if (!parsed.ok) throw new Error(`refused: ${JSON.stringify(parsed)}`);
  return parsed;
}
function refused(parsed: ParsedMessage) {
  if (parsed.ok) throw new Error(`accepted: ${JSON.stringify(parsed.message)}`);
  return parsed;
}

describe('a message of another system', () => {
  it('is understood as the Python services of the original system send it', () => {
    const parsed = accepted(
      parse(
        {
          tenant_id: 'bakery',
          item_type: 'recommendation',
          type: 'low_stock',
          severity: 'URGENT',
          timestamp: '2025-10-02T10:00:00.123456',
          message: 'Only 2 kg left\nOrder today',
          confidence: 0.9,
          actions: ['Order'],
        },
        { routing_key: 'recommendation.low.sales' },
      ),
    );
    expect(parsed.message).toMatchObject({
      type: 'recommendation',
      name: 'low_stock',
      title: 'Low stock',
      service: 'sales',
      severity: 'urgent',
      status: 'firing',
      occurred_at: '2025-10-02T10:00:00.123Z',
      actions: [{ label: 'Order' }],
      metadata: { confidence: 0.9 },
    });
    expect(parsed.unknown).toEqual(['confidence']);
    expect(parsed.understood.sort()).toEqual(['item_type', 'timestamp', 'type']);
  });

  it.each([
    ['critical', 'urgent'],
    ['P1', 'urgent'],
    ['error', 'high'],
    ['Warning', 'medium'],
    ['info', 'low'],
    ['debug', 'low'],
  ])('says %s and means %s', (said, meant) => {
    expect(accepted(parse({ ...valid, severity: said })).message.severity).toBe(meant);
  });

  it('keeps our name where both stand, and the other under metadata', () => {
    const { message } = accepted(parse({ ...valid, summary: 'other' }, {}, 'strict'));
    expect(message).toMatchObject({ title: 'Flour is low', metadata: { summary: 'other' } });
  });

  it.each([
    ['2025-10-02 10:00:00', '2025-10-02T10:00:00.000Z'],
    ['2025-10-02T10:00:00+02:00', '2025-10-02T08:00:00.000Z'],
    ['2025-10-02T10:00:00.5+0200', '2025-10-02T08:00:00.500Z'],
    [1_759_399_200, '2025-10-02T10:00:00.000Z'],
    [1_759_399_200_123, '2025-10-02T10:00:00.123Z'],
    [1_759_399_200.25, '2025-10-02T10:00:00.250Z'],
    ['2025-10-02', '2025-10-02T00:00:00.000Z'],
  ])('gives the time as %s', (given, meant) => {
    expect(accepted(parse({ ...valid, time: given })).message.occurred_at).toBe(meant);
  });
});

describe('the routing key', () => {
  it('gives what the body does not say', () => {
    const { message } = accepted(parse({ tenant_id: 'bakery' }, { routing_key: 'notification.medium.sales.eu' }));
    expect(message).toMatchObject({
      type: 'notification',
      severity: 'medium',
      service: 'sales.eu',
      title: 'Alert from sales.eu',
    });
  });

  it('names the service, and of two severities the higher counts', () => {
    const { message } = accepted(parse({ ...valid, severity: 'low' }, { routing_key: 'alert.high.orders' }));
    expect(message).toMatchObject({ service: 'orders', severity: 'high', metadata: { service: 'inventory' } });
    expect(accepted(parse(valid, { routing_key: 'alert.high.orders' })).message.severity).toBe('urgent');
  });

  it.each(['', 'orders', 'alert.bogus.orders', 'alarm.high.orders', 'alert.high.', 'alert.high.a b'])(
    'says nothing when it is "%s"',
    (routing_key) => {
      expect(accepted(parse(valid, { routing_key })).message).toMatchObject({
        service: 'inventory',
        severity: 'urgent',
      });
    },
  );
});

describe('over AMQP, where the other choice is a silent bell', () => {
  it.each([
    ['severity', 'apocalyptic', { severity: 'high' }],
    ['status', 'odd', { status: 'firing' }],
    ['occurred_at', 'yesterday', {}],
    ['actions', [{ label: 'x', url: 'javascript:alert(1)' }], { actions: [] }],
    ['metadata', 'text', { metadata: { value: 'text' } }],
    ['labels', { n: 1, b: true }, { labels: { n: '1', b: 'true' } }],
    ['id', 42, { id: '42' }],
    ['title', 'two\nlines', { title: 'two lines' }],
    ['channels', ['email', 'pager'], { channels: ['email'] }],
    ['channels', ['pager'], { channels: undefined, metadata: { channels: ['pager'] } }],
    ['name', 'Low stock!', { name: 'Low_stock' }],
  ])('an odd %s does not stop a message', (field, value, outcome) => {
    const { message } = accepted(parse({ ...valid, [field]: value }));
    expect(message).toMatchObject(outcome);
  });

  it('what is left out of a field is kept under metadata', () => {
    const { message, unknown } = accepted(
      parse({ ...valid, severity: 'apocalyptic', extra: [1], metadata: { extra: 'mine' } }),
    );
    expect(message.metadata).toEqual({ extra: 'mine', 'body.extra': [1], severity: 'apocalyptic' });
    expect(unknown.sort()).toEqual(['extra', 'severity']);
  });

  it('a message with a dedup_key and no time gets the time at which it was sent', () => {
    expect(accepted(parse({ ...valid, dedup_key: 'k' }, { timestamp: 1_759_399_200 })).message.occurred_at).toBe(
      '2025-10-02T10:00:00.000Z',
    );
  });

  it.each([
    ['title', 'x'.repeat(301)],
    ['message', 'x'.repeat(8_001)],
    ['id', 'x'.repeat(201)],
    ['dedup_key', 'x'.repeat(201)],
    ['actions', Array.from({ length: 11 }, () => 'a')],
    ['recipients', Array.from({ length: 101 }, () => 'a@b')],
    ['labels', Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, 'x']))],
  ])('a %s beyond its limit is a dead letter', (field, value) => {
    expect(refused(parse({ ...valid, [field]: value }))).toMatchObject({
      code: 'invalid_field',
      errors: [{ pointer: `/${field}` }],
      tenant_id: 'bakery',
    });
  });
});

describe('over HTTP, where the sender reads the response', () => {
  it('an unknown field is refused with its pointer and the nearest name', () => {
    expect(refused(parse({ ...valid, severty: 'low' }, {}, 'strict'))).toMatchObject({
      code: 'unknown_field',
      errors: [{ pointer: '/severty', code: 'unknown_field', detail: 'Unknown field. Did you mean "severity"?' }],
    });
  });

  it.each([
    [{ severity: 'apocalyptic' }, '/severity'],
    [{ level: 'apocalyptic', severity: undefined }, '/level'],
    [{ occurred_at: 'yesterday' }, '/occurred_at'],
    [{ actions: [{ label: 'x', url: 'javascript:1' }] }, '/actions/0/url'],
    [{ actions: [{}] }, '/actions/0/label'],
    [{ metadata: 'x' }, '/metadata'],
    [{ id: 42 }, '/id'],
    [{ id: 'ünïcode' }, '/id'],
    [{ title: '' }, '/title'],
    [{ title: 'two\nlines' }, '/title'],
    [{ status: 'resolved' }, '/dedup_key'],
    [{ dedup_key: 'k' }, '/occurred_at'],
    [{ labels: { a: 1 } }, '/labels'],
    [{ channels: ['pager'] }, '/channels'],
    [{ schema_version: 2 }, '/schema_version'],
  ])('%j is refused at %s', (change, pointer) => {
    expect(refused(parse({ ...valid, ...change }, {}, 'strict'))).toMatchObject({
      code: 'invalid_field',
      errors: [expect.objectContaining({ pointer })],
    });
  });

  it('all that is wrong is told at once', () => {
    expect(refused(parse({ ...valid, severity: 'odd', title: '', id: 7 }, {}, 'strict')).errors).toHaveLength(3);
  });
});

describe('what cannot be a message', () => {
  it.each([
    ['message_too_large', JSON.stringify({ ...valid, message: 'x'.repeat(MAX_MESSAGE_BYTES) })],
    ['invalid_json', '{"tenant_id":'],
    ['invalid_json', ''],
    ['invalid_json', '[]'],
    ['invalid_json', '"text"'],
    ['invalid_json', 'null'],
    ['too_deep', JSON.stringify({ ...valid, metadata: JSON.parse('['.repeat(17) + ']'.repeat(17)) })],
    ['control_characters', JSON.stringify({ ...valid, title: 'a\u0000b' })],
    ['control_characters', '{"tenant_id":"t","x":"\\ud800"}'],
    ['missing_tenant', JSON.stringify({ ...valid, tenant_id: undefined })],
    ['missing_service', JSON.stringify({ ...valid, service: null })],
    ['invalid_field', JSON.stringify({ ...valid, tenant_id: 'a,b' })],
    ['invalid_field', JSON.stringify({ ...valid, service: 'a b' })],
  ] as const)('is refused as %s', (code, body) => {
    expect(refused(parse(body)).code).toBe(code);
    expect(refused(parse(body, {}, 'strict')).code).toBe(code);
  });

  it('is refused when it is not UTF-8', () => {
    expect(refused(parseAlertMessage(Buffer.from([0x7b, 0xff, 0x7d]))).code).toBe('invalid_utf8');
  });

  it('sixteen levels of metadata are accepted', () => {
    expect(parse({ ...valid, metadata: JSON.parse('{"a":'.repeat(15) + '{}' + '}'.repeat(15)) }).ok).toBe(true);
  });

  it('a field called __proto__ is a field and nothing more', () => {
    const { message } = accepted(
      parse('{"tenant_id":"t","service":"s","severity":"low","__proto__":{"polluted":true}}'),
    );
    expect(Object.hasOwn(message.metadata, '__proto__')).toBe(true);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(refused(parse('{"tenant_id":"t","service":"s","severity":"low","__proto__":1}', {}, 'strict')).code).toBe(
      'unknown_field',
    );
  });

  it.each([
    'recipients',
    'labels',
    'service',
    'status',
    'title',
    'dedup_key',
    'channels',
    'metadata',
    'actions',
    'occurred_at',
    'id',
  ])('does not stop at a %s that cannot be turned into text', (field) => {
    const odd = { toString: false, valueOf: false };
    for (const value of [odd, [odd], { a: odd }]) {
      for (const judgement of ['lenient', 'strict'] as const)
        expect(typeof parse({ ...valid, dedup_key: 'k', title: undefined, [field]: value }, {}, judgement).ok).toBe(
          'boolean',
        );
    }
  });

  it('never throws, for any bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.object({ withNullPrototype: true }).map((value) => JSON.stringify({ ...valid, ...value })),
        ),
        (body) => {
          for (const judgement of ['lenient', 'strict'] as const)
            expect(typeof parse(body, {}, judgement).ok).toBe('boolean');
        },
      ),
    );
    fc.assert(fc.property(fc.uint8Array(), (body) => expect(typeof parseAlertMessage(body).ok).toBe('boolean')));
  });
});

describe('the id', () => {
  const { id: _, ...without } = valid;
  it("is the producer's, else the transport's, else drawn from body and time, so that a redelivery repeats it", () => {
    expect(accepted(parse(valid, { message_id: 'm' })).message.id).toBe('a-1');
    expect(accepted(parse(without, { message_id: 'm-1' })).message.id).toBe('m-1');
    const timed = { ...without, occurred_at: '2025-10-02T10:00:00Z' };
    expect(accepted(parse(timed)).message.id).toBe(accepted(parse(timed)).message.id);
    expect(accepted(parse(without, { timestamp: 1 })).message.id).toBe(
      accepted(parse(without, { timestamp: 1 })).message.id,
    );
    expect(accepted(parse(without, { timestamp: 1 })).message.id).not.toBe(
      accepted(parse(without, { timestamp: 2 })).message.id,
    );
  });

  it('is made on arrival when nothing gives one', () => {
    expect(accepted(parse(without)).message.id).not.toBe(accepted(parse(without)).message.id);
  });

  it.each(['ünïcode', 'a\tb', ' padded '])('%j becomes one that can be stored, the same each time', (id) => {
    const first = accepted(parse({ ...without, id })).message.id;
    expect(first).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(accepted(parse({ ...without, id })).message.id).toBe(first);
    expect(accepted(parse(without, { message_id: id })).message.id).toBe(first);
  });
});

describe('what a message does not say', () => {
  const bare = {
    tenant_id: 'bakery',
    service: 'inventory',
    dedup_key: 'k',
    status: 'resolved',
    occurred_at: '2026-01-02T03:04:05.000Z',
    id: 'a-1',
  };
  it.each<[object, Envelope, string[]]>([
    [{ ...bare, severity: 'low' }, {}, ['type', 'title', 'labels', 'actions', 'metadata', 'schema_version']],
    [
      {
        ...bare,
        severity: 'low',
        title: 'Over',
        labels: {},
        actions: [],
        metadata: {},
        type: 'alert',
        schema_version: 1,
      },
      {},
      [],
    ],
    [{ ...bare, severity: 'low', extra: 1 }, {}, ['type', 'title', 'labels', 'actions', 'schema_version']],
    [bare, {}, ['type', 'title', 'labels', 'actions', 'metadata', 'schema_version', 'severity']],
    [bare, { severity: 'low' }, ['type', 'title', 'labels', 'actions', 'metadata', 'schema_version', 'severity']],
    [
      bare,
      { routing_key: 'alert.low.inventory' },
      ['title', 'labels', 'actions', 'metadata', 'schema_version', 'type'],
    ],
    [bare, { routing_key: 'notification.low.inventory' }, ['title', 'labels', 'actions', 'metadata', 'schema_version']],
    [
      { ...bare, severity: 'low', occurred_at: undefined },
      { timestamp: 1_759_399_200 },
      ['type', 'title', 'labels', 'actions', 'metadata', 'schema_version', 'occurred_at'],
    ],
  ])('is told apart from what it says: %j with %j', (body, envelope, assumed) => {
    expect(accepted(parse(body, envelope)).message.assumed ?? []).toEqual(assumed);
  });

  it('is left out where it travels on, and is the same behind the queue', () => {
    const { message, body_hash } = accepted(parse({ ...bare, severity: 'low' }, {}, 'strict'));
    expect(JSON.parse(JSON.stringify(message))).toEqual({ ...bare, severity: 'low' });
    expect(asSaid(message)).toEqual(JSON.parse(JSON.stringify(message)));
    const behind = accepted(parse(message, { routing_key: 'alert.low.inventory', timestamp: 1_759_399_200 }));
    expect([{ ...behind.message, assumed: behind.message.assumed!.toSorted() }, behind.body_hash]).toEqual([
      { ...message, assumed: message.assumed!.toSorted() },
      body_hash,
    ]);
  });
});

describe('a snapshot', () => {
  const snapshot = { tenant_id: 'bakery', service: 'inventory', severity: 'low', dedup_key: 'k', snapshot: true };
  it('needs no time over HTTP, and has another id each time unless its producer or the transport gives one', () => {
    expect(accepted(parse(snapshot, {}, 'strict')).message.snapshot).toBe(true);
    const timed = { ...snapshot, occurred_at: '2026-01-02T03:04:05Z' };
    for (const judgement of ['strict', 'lenient'] as const)
      expect(accepted(parse(timed, {}, judgement)).message.id).not.toBe(
        accepted(parse(timed, {}, judgement)).message.id,
      );
    expect(accepted(parse(timed, { timestamp: 1 })).message.id).toBe(
      accepted(parse(timed, { timestamp: 1 })).message.id,
    );
    expect(accepted(parse(timed, { message_id: 'm' })).message.id).toBe('m');
    expect(refused(parse({ ...snapshot, snapshot: 'yes' }, {}, 'strict'))).toMatchObject({
      errors: [{ pointer: '/snapshot' }, { pointer: '/occurred_at' }],
    });
  });
});

it('the hash tells another body from the same one, also where only an unknown field differs', () => {
  const hashOf = (body: object) => accepted(parse(body)).body_hash;
  expect(hashOf({ ...valid })).toBe(hashOf({ ...valid }));
  expect(hashOf({ ...valid, title: 'other' })).not.toBe(hashOf(valid));
  expect(hashOf({ ...valid, extra: 1 })).not.toBe(hashOf({ ...valid, extra: 2 }));
});

it('what is accepted over HTTP is accepted unchanged when it comes back over AMQP', () => {
  const { message } = accepted(
    parse({ ...valid, labels: { a: 'b' }, actions: ['Order'], metadata: { n: 1 } }, {}, 'strict'),
  );
  expect({ ...accepted(parse(message)).message }).toEqual({ ...message });
});
