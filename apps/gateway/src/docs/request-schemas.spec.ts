import { createECDH } from 'node:crypto';
import fc from 'fast-check';
import { Refused } from '@tocsin/contracts';
import { queryOf, SchemaValues } from '@tocsin/messages/testing';
import { ActBody, actOf, alertIdsOf, BulkActBody } from '../alerts/act-body';
import { AlertSearchFields, searchOf } from '../alerts/alert-search';
import { GroupsQuery, groupsOf } from '../alerts/groups-query';
import { HistoryQuery } from '../alerts/history-query';
import { chartOf, StatsQuery } from '../alerts/stats-query';
import { LogQuery } from '../log/log-query';
import { SeenBody, seenIn } from '../me/seen-body';
import { ShownBody } from '../me/shown-body';
import { EndpointBody, EndpointChangeBody } from '../webhooks/endpoint-body';
import { RevocationBody } from '../access/revocation-body';
import { PushSubscribeBody } from '../push/push-body';
import { DeadLettersQuery, DiscardBody, DiscardManyBody, ManyLettersBody } from '../dead-letters/dead-letter-fields';
import { RedriveBody, RedriveManyBody } from '../deliveries/delivery-fields';
import { NotificationBody, NotificationsQuery } from '../notifications/notification-body';
import { RecipientsBody } from '../recipients/recipients-body';
import { TenantsQuery } from '../request/list-parameters';
import { bodyAs, queryAs } from '../request/testing/read-request';
import { readEvents } from '../intake/read-events';
import { readStreamRequest } from '../connect/stream-request';
import { openApi, type DescribedOperation, type OpenApi } from './openapi.docs';
import { describedApp } from './testing/described-app.docs';
import { validatorOf } from './testing/validator';

let document: OpenApi;
let compile: ReturnType<typeof validatorOf>;
let values: SchemaValues;
beforeAll(async () => {
  const app = await describedApp();
  document = await openApi(app, 'test');
  compile = validatorOf(document);
  values = new SchemaValues(document);
  await app.close();
});
const operation = (method: string, path: string): DescribedOperation => document.paths[path]![method]!;

async function codeOf(read: () => Promise<unknown>): Promise<string> {
  try {
    await read();
    return 'accepted';
  } catch (error) {
    return refusedCode(error);
  }
}
const refusedCode = (error: unknown): string => (error instanceof Refused ? error.code : String(error));
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

type Value = Record<string, unknown>;
const asItIs = (value: Value): Value => value;
/** Adds a rule that no schema expresses: a snooze ends in the future. */
const ahead = (value: Value): Value =>
  typeof value.until === 'string' && !Number.isNaN(Date.parse(value.until))
    ? { ...value, until: new Date(Date.now() + 3_600_000).toISOString() }
    : value;
/** Removes values that are valid only together with others: two times must be in order, and a page needs its search. */
const unpaired = ({ to: _to, after: _after, ...value }: Value): Value => value;
/** Applies a rule that no schema expresses: a notification has one time, or is part of a digest. */
function oneTime(value: Value): Value {
  const { at, local, before, digest, ...rest } = value;
  const [time] = Object.entries({ at, local, before, digest }).filter(([, given]) => given !== undefined);
  return { ...rest, ...(time && { [time[0]]: time[1] }) };
}
/** Applies a rule that no schema expresses: each tenant is named once, with a position that a stream has given. */
function once(value: Value): Value {
  const tenants = Array.isArray(value.tenants)
    ? [...new Map(value.tenants.map((one: unknown) => [(one as Value | null)?.tenant_id, one])).values()]
    : value.tenants;
  return {
    ...value,
    ...(tenants !== undefined && { tenants }),
    ...(typeof value.cursor === 'string' && { cursor: 'abc-1-aaaaaaaa' }),
  };
}

const BROWSER = createECDH('prime256v1');
const PUBLIC_KEY = BROWSER.generateKeys('base64url');
/** Applies rules that no schema expresses: an address is one, in one spelling, and a key is a point of its curve. */
const asOfABrowser = (value: Value): Value => ({
  ...value,
  ...(typeof value.endpoint === 'string' &&
    /^https:/.test(value.endpoint) && { endpoint: 'https://push.example/of-this-browser' }),
  ...(typeof value.p256dh === 'string' && /^[A-Za-z0-9_-]{87}$/.test(value.p256dh) && { p256dh: PUBLIC_KEY }),
});
/**
 * Applies a rule that no schema expresses: which headers are not an endpoint's to set, and that no name is given twice.
 */
const plainHeaders = ({ headers, ...value }: Value): Value => ({
  ...value,
  ...(headers !== undefined && {
    headers:
      typeof headers === 'object' && headers !== null && !Array.isArray(headers)
        ? Object.fromEntries(Object.values(headers).map((one, at) => [`x-${at}`, one]))
        : headers,
  }),
});

interface Reader {
  read: (body: Buffer) => Promise<unknown>;
  method?: string;
  /**
   * True for messages: they may use other names for fields too, so the parser may accept what the schema does not
   * describe.
   */
  lenient?: boolean;
  sensible?: (value: Value) => Value;
}
const READERS: [path: string, reader: Reader][] = [
  ['/api/v1/revocations', { read: (body) => bodyAs(RevocationBody, body) }],
  ['/api/v1/dead-letters/{id}/discard', { read: (body) => bodyAs(DiscardBody, body) }],
  ['/api/v1/dead-letters/redrive', { read: (body) => bodyAs(ManyLettersBody, body) }],
  ['/api/v1/dead-letters/discard', { read: (body) => bodyAs(DiscardManyBody, body) }],
  [
    '/api/v1/alerts/search',
    { read: async (body) => searchOf(await bodyAs(AlertSearchFields, body), 'ana'), sensible: unpaired },
  ],
  [
    '/api/v1/alerts/{alert_id}',
    { method: 'patch', read: async (body) => actOf(await bodyAs(ActBody, body), 'ana', undefined), sensible: ahead },
  ],
  [
    '/api/v1/alerts',
    { method: 'patch', read: async (body) => alertIdsOf(await bodyAs(BulkActBody, body)), sensible: ahead },
  ],
  ['/api/v1/me/cursor', { method: 'put', read: async (body) => seenIn(await bodyAs(SeenBody, body)), sensible: once }],
  ['/api/v1/me/shown', { read: (body) => bodyAs(ShownBody, body) }],
  ['/api/v1/notifications', { read: (body) => bodyAs(NotificationBody, body), sensible: oneTime }],
  ['/api/v1/deliveries/{id}/redrive', { read: (body) => bodyAs(RedriveBody, body) }],
  ['/api/v1/deliveries/redrive', { read: (body) => bodyAs(RedriveManyBody, body) }],
  ['/api/v1/recipients', { method: 'put', read: (body) => bodyAs(RecipientsBody, body) }],
  ['/api/v1/push', { method: 'put', read: (body) => bodyAs(PushSubscribeBody, body), sensible: asOfABrowser }],
  [
    '/api/v1/webhooks/{id}',
    { method: 'patch', read: (body) => bodyAs(EndpointChangeBody, body), sensible: plainHeaders },
  ],
  [
    '/api/v1/webhooks',
    {
      read: (body) => bodyAs(EndpointBody, body),
      sensible: (value) =>
        plainHeaders(typeof value.url === 'string' ? { ...value, url: 'https://hooks.example.com/' } : value),
    },
  ],
  ['/api/v1/events', { read: (body) => readEvents({ body, headers: {}, query: {} }, 65_536), lenient: true }],
];

it.each(READERS)(
  'the body of %s is read as it is described',
  async (path, { read, method = 'post', lenient = false, sensible = asItIs }) => {
    const { schema } = operation(method, path).requestBody!.content['application/json']!;
    const isDescribed = compile(schema);
    const counts = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.oneof(values.fitting(schema), values.near(schema)), async (made) => {
        const value =
          typeof made === 'object' && made !== null && !Array.isArray(made) ? sensible(made as Value) : made;
        const code = await codeOf(async () => read(bytes(value)));
        counts[code === 'accepted' ? 'accepted' : 'refused'] += 1;
        // No schema says either that text must be storable, or what a template makes of an alert.
        if (code === 'control_characters' || code === 'invalid_template') return;
        if (isDescribed(JSON.parse(JSON.stringify(value)))) expect([code, value]).toEqual(['accepted', value]);
        else if (!lenient) expect([code, value]).not.toEqual(['accepted', value]);
      }),
      { numRuns: 200 },
    );
    expect(Math.min(counts.accepted, counts.refused)).toBeGreaterThan(5);
  },
);

/** A time for a chart, which must begin before it ends and span at most a year. */
const LONG_AFTER = new Date('2026-01-01T00:00:00Z');

/** The queries under test: each described parameter is read, alone and together with the others. */
const QUERIES: [path: string, read: (query: string) => unknown][] = [
  ['/api/v1/webhooks', (query) => queryAs(TenantsQuery, query)],
  ['/api/v1/dead-letters', (query) => queryAs(DeadLettersQuery, query)],
  ['/api/v1/alerts', async (query) => searchOf(await queryAs(AlertSearchFields, query), 'ana')],
  ['/api/v1/alerts/groups', async (query) => groupsOf(await queryAs(GroupsQuery, `by=service&${query}`), 'ana')],
  ['/api/v1/alerts/{alert_id}/history', (query) => queryAs(HistoryQuery, query)],
  ['/api/v1/stats', async (query) => chartOf(await queryAs(StatsQuery, query), 'ana', LONG_AFTER)],
  ['/api/v1/stats/tenants', (query) => queryAs(TenantsQuery, query)],
  ['/api/v1/events', (query) => queryAs(LogQuery, query)],
  ['/api/v1/notifications', (query) => queryAs(NotificationsQuery, query)],
  [
    '/api/events',
    (query) =>
      readStreamRequest(
        { url: `/?${query}`, headers: { authorization: 'Bearer x' }, rawHeaders: ['authorization', 'Bearer x'] },
        0,
      ),
  ],
];

it.each(QUERIES)('the parameters of GET %s are read exactly as they are described', async (path, read) => {
  for (const { name, in: place, schema, explode } of operation('get', path).parameters) {
    // A cursor needs its page, and a chart's time needs the other one.
    // `by` is given already.
    if (
      place !== 'query' ||
      name === 'after' ||
      name === 'by' ||
      (path === '/api/v1/stats' && ['from', 'to'].includes(name))
    )
      continue;
    const isDescribed = compile(schema);
    await fc.assert(
      fc.asyncProperty(values.fitting(schema), async (value) => {
        if (isDescribed(value))
          expect([name, value, await codeOf(async () => read(queryOf(name, value, explode)))]).toEqual([
            name,
            value,
            'accepted',
          ]);
      }),
      { numRuns: 100 },
    );
  }
});

it('a number that no double holds is no text, so it passes for no name', async () => {
  const body = Buffer.from(
    '{"tenant_id": -9007199254740993, "title": "t", "recipients": ["ana@example.test"], "channels": ["email"]}',
  );
  expect(await codeOf(() => bodyAs(NotificationBody, body))).toBe('invalid_field');
});
