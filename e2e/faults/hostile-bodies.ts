import type { MessageErrorCode } from '@tocsin/contracts';
import { SeededRandom } from '../kit/seeded-random';
import { aMessage } from './ingest-kit';

/** A body that must become a dead letter, and the reason that every attempt must give. */
export interface HostileBody {
  name: string;
  body: Buffer;
  reason: MessageErrorCode;
}

const VALID = JSON.stringify(
  aMessage('hostile', { title: 'Flour', message: 'Only 2 kg left', labels: { site: 'north' }, metadata: { stock: 2 } }),
);
const withFields = (fields: Record<string, unknown>): string =>
  JSON.stringify({ ...(JSON.parse(VALID) as object), ...fields });

/** Bodies that are not JSON, although a lenient parser accepts them: traps from JSON test suites. */
const NOT_JSON = [
  '',
  ' ',
  '\t',
  '\n',
  '{',
  '}',
  '[',
  ']',
  '{]',
  '[}',
  '"',
  '""x',
  "'a'",
  'a',
  '\\',
  ':',
  ',',
  '{}}',
  '[]]',
  '{}{}',
  '[][]',
  '{} x',
  '[1]x',
  '1 2',
  '"a" "b"',
  '[1,]',
  '[,1]',
  '[,]',
  '[1,,2]',
  '[1 2]',
  '[1;2]',
  '["a" "b"]',
  '["a":1]',
  '[1:2]',
  '[-]',
  '[+1]',
  '[.5]',
  '[1.]',
  '[-.5]',
  '[1.e1]',
  '[1e]',
  '[1e+]',
  '[1E-]',
  '[1ee1]',
  '[1+2]',
  '[0x1]',
  '[01]',
  '[-01]',
  '[00]',
  '[0.e1]',
  '[1_000]',
  '[١]',
  '[１]',
  '[NaN]',
  '[-NaN]',
  '[Infinity]',
  '[-Infinity]',
  '[inf]',
  '[nul]',
  '[True]',
  '[FALSE]',
  '[tru]',
  '[undefined]',
  '[nullx]',
  '["\\x00"]',
  '["\\u"]',
  '["\\u00"]',
  '["\\u00G0"]',
  '["\\uD800\\u"]',
  '["\\U0041"]',
  '["\\a"]',
  '["\\ "]',
  '["\\"]',
  '["\\\\\\"]',
  '["a',
  '["a\nb"]',
  '["a\tb"]',
  '["a\u0000b"]',
  "['a']",
  '[`a`]',
  '["a\u001f"]',
  '{"a"}',
  '{"a":}',
  '{:1}',
  '{"a" 1}',
  '{"a",1}',
  '{"a"::1}',
  '{a:1}',
  "{'a':1}",
  '{1:1}',
  '{null:1}',
  '{"a":1,}',
  '{,"a":1}',
  '{"a":1,,"b":2}',
  '{"a":1 "b":2}',
  '{"a":1;"b":2}',
  '{"a":1',
  '{"a":[}',
  '{"a":{}',
  '[1]//',
  '[1]/*a*/',
  '/*a*/[1]',
  '[1/*a*/]',
  '#{}',
  '{"a":1}#',
  '<json/>',
  '<!DOCTYPE html>',
  'a: 1',
  '--- {}',
  '{"a":1}\u0000',
  '\u0000{}',
  '[\u000c1]',
  '[\u00a01]',
  '[\u20601]',
  '\u2028{}',
  '{"a":1}\ufeff',
  '*',
  '...',
  '(1)',
  '[*]',
  '${a}',
  '{{a}}',
  '[a]',
  '["a", b]',
  '{"a":b}',
  '{"a":\'b\'}',
  '[1,2',
  '[[[[',
  '{"a":{"b":{"c":',
  '[{"a":"b"},{"a":"b"]',
  '{"a":"b"]}',
  '[1e1000e]',
  '[-0x1]',
  '[1.2.3]',
  '[--1]',
  '[++1]',
];

/** Bodies that are JSON but no message. */
const NO_OBJECT = ['null', 'true', 'false', '0', '-0', '1e400', '"a message"', '""', '[]', '[1]', `[[${VALID}]]`];

const TENANTS_THAT_ARE_NONE: readonly unknown[] = [
  '',
  ' ',
  'a b',
  'a/b',
  '../a',
  'a,b',
  'a"b',
  "a'b",
  '{a}',
  'a;drop table event',
  'café',
  'x'.repeat(65),
  '\u202ea',
  'a\n',
  'a\r\nid: 1',
  null,
  [],
  {},
  ['bakery'],
  { id: 'bakery' },
];
/** An empty value counts as absent. */
const saysNone = (tenant: unknown): boolean => tenant === null || (typeof tenant === 'string' && tenant.trim() === '');

const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

/** Five hundred hostile bodies, the same at each call. */
export function hostileBodies(): HostileBody[] {
  const random = new SeededRandom(4);
  const bodies: HostileBody[] = [];
  const add = (name: string, reason: MessageErrorCode, body: string | Buffer) =>
    bodies.push({ name, reason, body: Buffer.from(body as string) });

  NOT_JSON.forEach((body) => add(`not JSON: ${body}`, 'invalid_json', body));
  NO_OBJECT.forEach((body) => add(`no object: ${body.slice(0, 20)}`, 'invalid_json', body));
  TENANTS_THAT_ARE_NONE.forEach((tenant_id) =>
    add(
      `a tenant that is none: ${JSON.stringify(tenant_id)}`,
      saysNone(tenant_id) ? 'missing_tenant' : 'invalid_field',
      withFields({ tenant_id }),
    ),
  );
  add('no tenant', 'missing_tenant', withFields({ tenant_id: undefined }));
  add('an empty object', 'missing_tenant', '{}');
  add(
    'a name of Object.prototype',
    'missing_tenant',
    '{"__proto__":{"tenant_id":"bakery"},"constructor":{"prototype":{"tenant_id":"bakery"}}}',
  );
  add('no service', 'missing_service', withFields({ service: undefined }));
  for (const levels of [17, 18, 100, 1_000, 5_000])
    add(`${levels} levels deep`, 'too_deep', VALID.replace(/}$/, `,"metadata":${deep(levels)}}`));
  for (const code of [0, 1, 7, 8, 0xb, 0xc, 0xe, 0x1b, 0x1f, 0x7f]) {
    for (const field of ['title', 'message', 'id', 'tenant_id'])
      add(
        `U+${code.toString(16)} in ${field}`,
        'control_characters',
        withFields({ [field]: `a${String.fromCharCode(code)}b` }),
      );
  }
  for (const half of ['\\ud800', '\\udfff', '\\ud83d x', '\\udc00\\ud800'])
    for (const field of ['title', 'labels', 'metadata']) {
      add(
        `half a character in ${field}: ${half}`,
        'control_characters',
        VALID.replace(/}$/, `,"${field}":{"a":"${half}"}}`),
      );
    }
  for (const size of [65_537, 100_000, 1_000_000])
    add(`${size} bytes`, 'message_too_large', withFields({ message: 'x'.repeat(size) }));
  for (const bytes of [
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82],
    [0x80],
    [0xfe, 0xff],
  ]) {
    add(
      `bytes that are no UTF-8: ${bytes.join(' ')}`,
      'invalid_utf8',
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]),
    );
  }
  for (const [field, value] of [
    ['title', 'x'.repeat(301)],
    ['message', 'x'.repeat(8_001)],
    ['id', 'x'.repeat(201)],
    ['dedup_key', 'x'.repeat(201)],
    ['recipients', Array.from({ length: 101 }, () => 'a@b.c')],
  ] as const) {
    add(`${field} beyond its limit`, 'invalid_field', withFields({ [field]: value }));
  }

  // a valid message, broken at random in ways that are clearly invalid
  for (let n = 0; bodies.length < 500; n += 1) {
    const bytes = Buffer.from(VALID);
    const at = random.between(1, bytes.length - 1);
    if (n % 3 === 0) add(`cut after ${at} bytes`, 'invalid_json', bytes.subarray(0, at));
    else if (n % 3 === 1)
      add(
        `0xFF after ${at} bytes`,
        'invalid_utf8',
        Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff]), bytes.subarray(at)]),
      );
    else
      add(
        `a raw control character after ${at} bytes`,
        'invalid_json',
        Buffer.concat([bytes.subarray(0, at), Buffer.from([random.between(1, 8)]), bytes.subarray(at)]),
      );
  }
  return bodies;
}
