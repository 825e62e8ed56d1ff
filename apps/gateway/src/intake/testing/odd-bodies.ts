import { MAX_MESSAGE_BYTES, type AlertMessage } from '@tocsin/messages';
import { Refused } from '@tocsin/contracts';
import fc from 'fast-check';
import { readEvents, type PublishRequest } from '../read-events';

/** A number with exactly this spelling in the body: `exactly` puts it there. */
const raw = (text: string) => `#number:${text}#`;
const exactly = (value: unknown): string => JSON.stringify(value).replace(/"#number:([^"#]*)#"/g, '$1');

const number = fc.oneof(
  fc
    .constantFrom(
      '1e21',
      '1e400',
      '-0',
      '1.0',
      '653247040368672771',
      '0.1234567890123456789',
      '1e-400',
      '5e-324',
      '123456789012345678901234567890',
      '41.20',
      '1e300',
    )
    .map(raw),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt().map((big) => raw(String(big))),
);
const letters = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '\u0000',
      '\u0085',
      '\u2028',
      '\ud800',
      '\udc00',
      '\ufeff',
      '\u00a0',
      '\u001b',
      '\t',
      '\n',
      '\\',
      '"',
      '__proto__',
      '🔥',
      'e\u0301',
      '❤️',
    ),
  }),
);
const long = (most: number) =>
  fc
    .tuple(fc.constantFrom('x', 'é', '€', '🔥', '"', '\\', ' ', '❤️', '.', '_'), fc.integer({ min: 0, max: most }))
    .map(([unit, times]) => unit.repeat(times));
const text = fc.oneof(
  { weight: 3, arbitrary: letters },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', ' ', '\t', 'low_stock_', ' low ', 'undefined', 'Größe', 'null', 'a b', '0'),
  },
  { weight: 1, arbitrary: long(1_000) },
);
const time = fc.oneof(
  fc.constantFrom(
    '2026-01-02T03:04:05Z',
    '2026-01-02T03',
    '2026-01',
    '2026-W01',
    '2026-01-02T03:04.5Z',
    '20260102T030405Z',
    '2016-12-31T23:59:60Z',
    '0001-01-01T00:00:00Z',
    '2026-02-30',
    ' 2026-01-02 ',
  ),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  number,
  text,
);
const nested = fc.integer({ min: 1, max: 20 }).chain((depth) =>
  fc.constantFrom('list', 'object').map((kind) => {
    let value: unknown = kind;
    for (let level = 0; level < depth; level += 1) value = kind === 'list' ? [value] : { [`l${level}`]: value };
    return value;
  }),
);
const anything = fc.oneof(
  { weight: 2, arbitrary: text },
  { weight: 2, arbitrary: number },
  { weight: 1, arbitrary: nested },
  { weight: 1, arbitrary: fc.jsonValue() },
  { weight: 1, arbitrary: fc.constantFrom(null, true, false, [], {}) },
);
const map = (value: fc.Arbitrary<unknown>, maxKeys = 34) =>
  fc.dictionary(fc.oneof(fc.stringMatching(/^[a-z]{1,8}$/), text), value, { maxKeys });
const url = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.constantFrom('http://localhost:3000/x', 'javascript:alert(1)', 'http://a b', `https://a.b/${'x'.repeat(1_990)}`),
);
const labels = fc.oneof(
  { weight: 4, arbitrary: map(fc.oneof(text, fc.string())) },
  { weight: 1, arbitrary: map(anything, 8) },
);
const metadata = fc.oneof(
  { weight: 3, arbitrary: map(anything, 8) },
  { weight: 1, arbitrary: anything },
  { weight: 1, arbitrary: long(66_000).map((value) => ({ value })) },
  { weight: 1, arbitrary: fc.array(number, { maxLength: 6_000 }).map((list) => ({ list })) },
);

/** Values that are valid for a field about half of the time, by the field's name. */
const FIELDS: Record<string, fc.Arbitrary<unknown>> = {
  id: fc.oneof(fc.stringMatching(/^[!-~]{1,200}$/), anything),
  type: fc.oneof(fc.constantFrom('alert', 'recommendation', ' Notification ', 'low_stock'), text),
  name: fc.oneof(fc.stringMatching(/^[a-z][a-z._:/-]{0,99}$/), text),
  title: fc.oneof(text, long(400)),
  message: fc.oneof(text, long(8_100)),
  dedup_key: fc.oneof(text, long(210), number),
  status: fc.oneof(fc.constantFrom('firing', 'Resolved', 'ok'), text),
  occurred_at: time,
  labels,
  actions: fc.array(
    fc.oneof(text, fc.record({ label: text, url, name: text }, { requiredKeys: ['label'] }), anything),
    { maxLength: 11 },
  ),
  recipients: fc.array(fc.oneof(fc.emailAddress(), fc.constant('+49301234567'), url, text), { maxLength: 5 }),
  channels: fc.array(fc.constantFrom('email', 'sms', 'webhook', 'pager')),
  metadata,
  schema_version: fc.constantFrom(1, 1, 1, 2),
  summary: text,
  details: metadata,
  timestamp: time,
  priority: fc.constantFrom('P1', 'warning', 'odd'),
  something: anything,
};
const some = (fields: Record<string, fc.Arbitrary<unknown>>, most: number) =>
  fc
    .uniqueArray(fc.constantFrom(...Object.keys(fields)), { maxLength: most })
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, fields[name]!]))));

const tenant = fc.constantFrom('bakery', 'bakery', 'bakery', 'north-bakery', '', 'a,b');
const own = fc
  .tuple(
    tenant,
    fc.constantFrom('ovens', 'ovens', 'a.b', '', 'undefined', 'x y'),
    fc.constantFrom('urgent', 'low', 'Critical', 'odd'),
    some(FIELDS, 4),
  )
  .map(([tenant_id, service, severity, more]) => ({ tenant_id, service, severity, ...more }));

const event = some(
  {
    ...FIELDS,
    time,
    subject: text,
    dedupkey: text,
    status: text,
    data: fc.oneof(some(FIELDS, 4), anything),
    traceparent: text,
  },
  5,
).chain((more) =>
  fc.tuple(text, text).map(([id, source]) => ({
    specversion: '1.0',
    id,
    source,
    type: 'order.late',
    tenantid: 'bakery',
    severity: 'low',
    ...more,
  })),
);
const annotations = fc.oneof(
  map(fc.oneof(text, anything), 4),
  fc.record({ summary: text, description: fc.oneof(long(9_000), long(60_000)) }),
);
const alert = some(
  {
    startsAt: time,
    endsAt: time,
    fingerprint: fc.oneof(text, long(300)),
    status: fc.constantFrom('firing', 'resolved', 'odd'),
    labels: labels.map((given) => ({ ...(given as object), tenant_id: 'bakery' })),
    annotations,
    generatorURL: url,
    values: map(number, 4),
    valueString: text,
  },
  7,
).map((more) => ({
  status: 'firing',
  labels: { alertname: 'Cold', tenant_id: 'bakery', severity: 'warning' },
  startsAt: '2026-01-02T03:04:05Z',
  fingerprint: 'f',
  ...more,
}));
const group = fc
  .tuple(
    fc.array(fc.oneof({ weight: 6, arbitrary: alert }, { weight: 1, arbitrary: anything }), {
      minLength: 1,
      maxLength: 4,
    }),
    text,
  )
  .map(([alerts, receiver]) => ({ version: '4', groupKey: '{}', receiver, alerts }));
const page = fc
  .tuple(
    some(
      {
        summary: fc.oneof(text, long(70_000)),
        source: text,
        severity: text,
        timestamp: time,
        class: text,
        custom_details: metadata,
      },
      6,
    ),
    some(
      {
        dedup_key: fc.oneof(text, long(255)),
        client: text,
        client_url: url,
        images: anything,
        event_action: fc.constantFrom('resolve', 'trigger'),
      },
      4,
    ),
  )
  .map(([payload, more]) => ({
    routing_key: 'k',
    event_action: 'trigger',
    tenant_id: 'bakery',
    payload: { summary: 's', ...payload },
    ...more,
  }));

const one = fc.oneof(
  { weight: 4, arbitrary: own },
  { weight: 1, arbitrary: event },
  { weight: 1, arbitrary: group },
  { weight: 1, arbitrary: page },
);

/** Requests as a careful producer and a careless one send them. */
export const oddRequests: fc.Arbitrary<PublishRequest> = fc
  .tuple(
    fc.oneof({ weight: 5, arbitrary: one }, { weight: 1, arbitrary: fc.array(own, { minLength: 1, maxLength: 3 }) }),
    fc.constantFrom({}, {}, { tenant: 'dairy', service: 'sales' }),
    fc.constantFrom(undefined, undefined, 2),
  )
  .map(([value, query, indent]) => ({
    body: Buffer.from(indent ? exactly(JSON.parse(JSON.stringify(value))).replaceAll('{', '{\n  ') : exactly(value)),
    headers: {},
    query,
  }));

/** The messages of a request that the intake would publish and answer with 202. */
export async function taken(request: PublishRequest): Promise<AlertMessage[]> {
  try {
    const read = await readEvents(request, MAX_MESSAGE_BYTES);
    if (!('group' in read)) return read.messages;
    const parts = Array.from({ length: read.group.shape.count }, (_, index) => read.group.read(index, 'strict'));
    return parts.flatMap((part) => (part.ok ? [part.message] : []));
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}
