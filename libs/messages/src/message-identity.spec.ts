import fc from 'fast-check';
import { parseAlertMessage } from './parse-alert-message';
import type { Envelope, Judgement, ParsedMessage } from './parsed-message';
import { routingKeyOf, readRoutingKey } from './routing-key';
import { publishedForm } from './published-form';

const parse = (body: unknown, envelope: Envelope = {}, judgement: Judgement = 'lenient') =>
  parseAlertMessage(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), envelope, judgement);
const valid = { tenant_id: 'bakery', service: 'inventory', severity: 'urgent', title: 'Flour is low' };
const withId = { ...valid, id: 'a-1' };

function accepted(parsed: ParsedMessage) {
  if (!parsed.ok) throw new Error(`refused: ${JSON.stringify(parsed)}`);
  return parsed;
}
const idOf = (body: unknown, envelope?: Envelope, judgement?: Judgement) =>
  accepted(parse(body, envelope, judgement)).message.id;
const hashOf = (body: unknown, envelope?: Envelope, judgement?: Judgement) =>
  accepted(parse(body, envelope, judgement)).body_hash;

describe('empty is none', () => {
  const EMPTY = ['', ' ', '\t\n ', '\u00a0', null];

  it.each(EMPTY)("an id of %j: then the transport's, then one of body and time, then a fresh one", (id) => {
    expect(idOf({ ...valid, id }, { message_id: 'm-1' })).toBe('m-1');
    const timed = { ...valid, id, occurred_at: '2026-01-02T03:04:05Z' };
    expect(idOf(timed)).toBe(idOf(timed));
    expect(idOf(timed)).not.toBe(idOf({ ...timed, title: 'Sugar is low' }));
    expect(idOf({ ...valid, id })).not.toBe(idOf({ ...valid, id }));
  });

  it.each(['', ' ', '\t'])('a message_id of %j', (message_id) => {
    expect(idOf(valid, { message_id })).not.toBe(idOf(valid, { message_id }));
    expect(idOf({ ...valid, title: 'a' }, { message_id, timestamp: 1 })).not.toBe(
      idOf({ ...valid, title: 'b' }, { message_id, timestamp: 1 }),
    );
  });

  it.each(EMPTY)('an id of %j over HTTP: it is made and given back', (id) => {
    expect(idOf({ ...valid, id }, {}, 'strict')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each(['', '  '])('a dedup_key, a name, a service and a tenant of %j', (blank) => {
    expect(accepted(parse({ ...withId, dedup_key: blank, name: blank })).message).toMatchObject({
      dedup_key: undefined,
      name: undefined,
      metadata: {},
    });
    expect(accepted(parse({ ...withId, service: blank }, { service: 'ovens' })).message.service).toBe('ovens');
    expect(parse({ ...withId, service: blank })).toMatchObject({
      ok: false,
      code: 'missing_service',
      tenant_id: 'bakery',
    });
    expect(accepted(parse({ ...withId, tenant_id: blank }, { tenant_id: 'dairy' })).message.tenant_id).toBe('dairy');
    expect(parse({ ...withId, tenant_id: blank })).toMatchObject({ ok: false, code: 'missing_tenant' });
  });

  it.each([
    'alert.high.undefined',
    'alert.high.null',
    'alert.high.None',
    'alert.undefined.ovens',
    'undefined.high.ovens',
    'alert.high.',
    'alert.highs',
    'alerts',
  ])('the key %s names no service', (routing_key) => {
    expect(readRoutingKey(routing_key)).toBeUndefined();
    expect(accepted(parse(withId, { routing_key })).message.service).toBe('inventory');
    expect(parse({ ...withId, service: undefined }, { routing_key })).toMatchObject({
      ok: false,
      code: 'missing_service',
    });
  });
});

describe('numbers', () => {
  const [one, other] = ['653247040368672768', '653247040368672771'];
  const numbered = (number: string, field: string) =>
    `{"tenant_id":"bakery","service":"s","severity":"low","occurred_at":"2026-01-02T03:04:05Z",${field.replace('#', number)}}`;

  it.each([
    ['"id":#', (number: string) => ({ id: number })],
    ['"event_id": #', (number: string) => ({ id: number })],
    ['"dedup_key":#', (number: string) => ({ dedup_key: number })],
    ['"labels":{"order":#}', (number: string) => ({ labels: { order: number } })],
    ['"metadata":{"list":[{"order":#}]}', (number: string) => ({ metadata: { list: [{ order: number }] } })],
    ['"unknown":#', (number: string) => ({ metadata: { unknown: number } })],
    ['"recipients":[#]', (number: string) => ({ recipients: [number] })],
  ])('in %s are what they were', (field, becomes) => {
    for (const number of [one, other, '-9223372036854775808', '1e400'])
      expect(accepted(parse(numbered(number, field))).message).toMatchObject(becomes(number));
    expect(hashOf(numbered(one, field))).not.toBe(hashOf(numbered(other, field)));
  });

  it('of a webhook too, and over HTTP', () => {
    expect(accepted(parse(numbered(one, '"metadata":{"order":#}'), {}, 'strict')).message.metadata).toEqual({
      order: one,
    });
    expect(
      accepted(parse(numbered('41.5', '"metadata":{"celsius":#,"n":42,"e":1e3}'), {}, 'strict')).message.metadata,
    ).toEqual({ celsius: 41.5, n: 42, e: 1000 });
  });
});

describe('the order of keys is no difference', () => {
  const shuffled = (value: unknown, seed: number): unknown => {
    if (Array.isArray(value)) return value.map((child) => shuffled(child, seed));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, child]): [string, unknown] => [key, shuffled(child, seed)]);
    const at = entries.length === 0 ? 0 : seed % entries.length;
    return Object.fromEntries([...entries.slice(at), ...entries.slice(0, at)].reverse());
  };

  it('in labels, metadata, actions, unknown fields and the message itself, over AMQP and HTTP', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.string(), { maxKeys: 5 }),
        fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 }),
        fc.jsonValue(),
        fc.nat(),
        (labels, metadata, unknown, seed) => {
          const body = {
            ...withId,
            labels,
            metadata,
            actions: [{ label: 'Order', url: 'https://a.b', name: 'order' }],
          };
          const more = { ...body, zebra: unknown, ant: unknown };
          for (const [whole, judgement] of [
            [body, 'strict'],
            [body, 'lenient'],
            [more, 'lenient'],
          ] as const) {
            const parsed = parse(whole, {}, judgement);
            if (!parsed.ok) continue;
            expect(accepted(parse(shuffled(whole, seed), {}, judgement)).body_hash).toBe(parsed.body_hash);
          }
        },
      ),
    );
  });

  it('but the order of a list is one, and so is every value', () => {
    const hashes = [
      { list: [1, 2] },
      { list: [2, 1] },
      { list: ['1', '2'] },
      { list: [1], a: 2 },
      { a: { b: 1 } },
      { a: { b: null } },
      { a: {} },
      { a: [] },
      {},
    ].map((metadata) => hashOf({ ...withId, metadata }));
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

it('a message is the same one whichever door it came by', () => {
  const told = {
    ...withId,
    summary: 'beside its name',
    labels: { b: '1', a: '2' },
    metadata: { z: 1, a: [{ y: 1, x: 2 }] },
    actions: ['Order'],
    name: 'low_stock_',
  };
  const { message } = accepted(parse(told, {}, 'strict'));
  const behindTheQueue = accepted(
    parseAlertMessage(publishedForm(message), { routing_key: routingKeyOf(message), message_id: message.id }),
  );
  expect([behindTheQueue.message.id, behindTheQueue.body_hash]).toEqual(['a-1', hashOf(told)]);
});

it('a hash says how it was made', () => expect(hashOf(withId)).toMatch(/^2\.[\w-]{22}$/));

it.each([
  ['2026-01-02T03', undefined],
  ['2026-W01', undefined],
  ['2026-01-02T03:04.5Z', undefined],
  ['20260102T030405Z', '2026-01-02T03:04:05.000Z'],
])('a time of %s over AMQP: what is not read is kept, and the alert is stored', (time, read) => {
  const { message } = accepted(parse({ ...withId, occurred_at: time }));
  expect([message.occurred_at, message.metadata]).toEqual([read, read ? {} : { occurred_at: time }]);
  expect(parse({ ...withId, timestamp: time }, {}, 'strict')).toMatchObject(
    read ? { ok: true } : { ok: false, code: 'invalid_field', errors: [{ pointer: '/timestamp' }] },
  );
});
