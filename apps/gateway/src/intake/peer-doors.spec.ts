import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { Revocations, signToken, TokenVerifier } from '@tocsin/auth';
import type { ValidMessage } from '@tocsin/contracts';
import { AlertQueries, bind } from '@tocsin/contracts/ports';
import { MemoryAccessChanges } from '@tocsin/contracts/testing';
import { createLogger, Log, Metrics } from '@tocsin/observability';
import { VisibleTenants } from '../access/visible-tenants';
import { GatewayConfig } from '../config';
import { prepareHttp } from '../http-server';
import { LimitRequests } from '../limits/limit-requests.guard';
import { RequestLimits, type RequestsPerMinute } from '../limits/request-limits';
import { provideRequestCheck } from '../request/before-request';
import { OpsgenieKeyGuard } from './opsgenie-key.guard';
import { OpsgenieController } from './opsgenie.controller';
import { PagerDutyController } from './pagerduty.controller';
import { PeerPublisher } from './peer-publisher';
import { PublishEvents } from './publish-events';
import type { ReceiptWatch } from './receipt-watch';

const SECRET = 'the-secret-of-these-tests-0123456789';
const MAX_BYTES = 65_536;
const PAGES = '/api/v1/pagerduty/north/ovens/v2/enqueue';
const ALERTS = '/api/v1/opsgenie/north/ovens/v2/alerts';

const log = createLogger({ app: 'test', level: 'silent' });
const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
const verifier = new TokenVerifier({
  JWT_SECRET: SECRET,
  JWT_SECRET_PREVIOUS: undefined,
  JWT_JWKS_URL: undefined,
  JWT_JWKS_ALGORITHMS: [],
  JWT_ISSUER: undefined,
  JWT_AUDIENCE: undefined,
});
const TOKEN = signToken(SECRET, { user_id: 'ben', expiresInSeconds: 600, scopes: ['events:publish'], claims: {} });

let published: ValidMessage[];
let notes: unknown[][];
/** How often an alert is looked for in vain before it is stored. */
let storedAfter: number;
/** What counts the requests of a test: without a limit unless the test sets one. */
let limits: RequestLimits;
const perMinute = (some: Partial<RequestsPerMinute>) =>
  new RequestLimits({ user: 0, token: 0, address: 0, ...some }, undefined);
type Counted = Parameters<RequestLimits['count']>;
const queries = {
  named: (_tenant: string, service: string, dedup_key: string) =>
    Promise.resolve(storedAfter-- > 0 ? undefined : { alert_id: 'a', status: 'firing', service, dedup_key }),
};
const events = new PublishEvents(
  {
    publish: (messages) => {
      published.push(...messages);
      return Promise.resolve(messages.map(({ id }) => ({ id, outcome: 'confirmed' as const })));
    },
  },
  { bury: () => Promise.resolve() },
  queries as unknown as AlertQueries,
  { noteBy: (...note) => Promise.resolve(void notes.push(note)) },
  {} as ReceiptWatch,
  metrics,
  MAX_BYTES,
);

@Module({
  controllers: [PagerDutyController, OpsgenieController],
  providers: [
    provideRequestCheck(),
    bind(PeerPublisher, PeerPublisher, TokenVerifier, Revocations, VisibleTenants, LimitRequests),
    bind(OpsgenieKeyGuard, OpsgenieKeyGuard, PeerPublisher),
    { provide: TokenVerifier, useValue: verifier },
    { provide: Revocations, useValue: new Revocations(new MemoryAccessChanges(), log) },
    { provide: VisibleTenants, useValue: { publisher: () => (tenant: string) => tenant !== 'foreign' } },
    bind(LimitRequests, LimitRequests, RequestLimits, GatewayConfig, Metrics),
    { provide: APP_GUARD, useExisting: LimitRequests },
    { provide: APP_INTERCEPTOR, useExisting: LimitRequests },
    { provide: RequestLimits, useValue: { count: (...one: Counted) => limits.count(...one) } },
    { provide: GatewayConfig, useValue: { TRUSTED_PROXIES: 0 } },
    { provide: PublishEvents, useValue: events },
    { provide: AlertQueries, useValue: queries },
    { provide: Log, useValue: log },
    { provide: Metrics, useValue: metrics },
  ],
})
class PeerDoors {}

let app: NestExpressApplication;
let origin: string;
beforeAll(async () => {
  app = await NestFactory.create<NestExpressApplication>(PeerDoors, {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  prepareHttp(app, { CORS_ORIGINS: [], BODIES_BYTES: 16_777_216 });
  await app.listen(0, '127.0.0.1');
  origin = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
});
afterAll(() => app?.close());
beforeEach(() => {
  [published, notes, storedAfter, limits] = [[], [], 0, perMinute({})];
});

async function send(path: string, body: object, { method = 'POST', key = `GenieKey ${TOKEN}` } = {}) {
  const response = await fetch(origin + path, {
    method,
    headers: { 'Content-Type': 'application/json', ...(key && { Authorization: key }) },
    body: JSON.stringify(body),
  });
  const json = (await response.json()) as Record<string, unknown>;
  return { status: response.status, json, headers: response.headers };
}
/** As PagerDuty's clients do: the token is in the body. */
const page = (event: object) => send(PAGES, { routing_key: TOKEN, ...event }, { key: '' });
const trigger = (custom_details: object, payload: object = {}) => ({
  event_action: 'trigger',
  dedup_key: 'oven-1',
  payload: { summary: 'Cold', source: 'oven-1', severity: 'error', custom_details, ...payload },
});
const RESOLVE = { event_action: 'resolve', dedup_key: 'oven-1' };
const statuses = () => published.map(({ tenant_id, dedup_key, status }) => [tenant_id, dedup_key, status]);

describe('an event that is larger than a message', () => {
  it('of PagerDuty is shortened, and its end finds it', async () => {
    const firing = 'Labels: alertname = Cold\n'.repeat(8_000);
    expect((await page(trigger({ firing }))).status).toBe(202);
    expect((await page({ ...RESOLVE, payload: trigger({ firing }).payload })).status).toBe(202);
    expect(statuses()).toEqual([
      ['north', 'oven-1', 'firing'],
      ['north', 'oven-1', 'resolved'],
    ]);
    expect(published[0]!.metadata).toMatchObject({ shortened: ['/firing'] });
  });

  it('of Opsgenie is shortened, and its end finds it', async () => {
    const description = 'é'.repeat(50_000);
    expect((await send(ALERTS, { message: 'Cold', alias: 'oven-1', description })).status).toBe(202);
    expect((await send(`${ALERTS}/oven-1/close`, { note: 'x'.repeat(100_000) })).status).toBe(202);
    expect(statuses()).toEqual([
      ['north', 'oven-1', 'firing'],
      ['north', 'oven-1', 'resolved'],
    ]);
    expect(published[0]!.message).toBe(`${'é'.repeat(7_999)}…`);
    expect(published.map(({ metadata }) => metadata['shortened'])).toEqual([['/description'], ['/closed/note']]);
  });

  it.each([
    ['is larger than any client sends', trigger({ firing: 'x'.repeat(524_288) }), 'body_too_large'],
    ['holds too many values', trigger({ list: Array.from({ length: 40_000 }, () => []) }), 'message_too_large'],
  ])('is refused when it %s', async (_, event, code) => {
    expect(await page(event)).toMatchObject({ status: 413, json: { status: 'invalid event', code } });
  });
});

describe('a client that updates its alert', () => {
  it.each([
    ['message', { message: 'Colder' }],
    ['description', { description: 'It is at 12 degrees.' }],
    ['priority', { priority: 'P1' }],
  ])('may change its %s, is answered as by Opsgenie, and the alert keeps its words', async (field, body) => {
    const answer = await send(`${ALERTS}/oven-1/${field}?identifierType=alias`, body, { method: 'PUT' });
    expect(answer).toMatchObject({
      status: 202,
      json: { result: 'Request will be processed', requestId: Buffer.from('oven-1').toString('base64url') },
    });
    expect([published, notes]).toEqual([[], []]);
  });

  it('may change nothing else, and nothing of a tenant for which it may not publish', async () => {
    const put = (path: string) => send(path, {}, { method: 'PUT' });
    expect(await put(`${ALERTS}/oven-1/tags`)).toMatchObject({ status: 404, json: { code: 'not_found' } });
    expect(await put(`${ALERTS.replace('north', 'foreign')}/oven-1/message`)).toMatchObject({
      status: 403,
      json: { code: 'tenant_forbidden' },
    });
  });
});

describe('the tenant of the address', () => {
  const tenant_id = 'south';

  it('counts for an event of PagerDuty and for its end, whatever the details say', async () => {
    await page({ ...trigger({ tenant_id, celsius: 41 }), tenant_id });
    await page(RESOLVE);
    expect(statuses()).toEqual([
      ['north', 'oven-1', 'firing'],
      ['north', 'oven-1', 'resolved'],
    ]);
    expect(published[0]!.metadata).toEqual({ tenant_id, celsius: 41 });
  });

  it('counts for an alert of Opsgenie and for its end, whatever the details say', async () => {
    await send(ALERTS, { message: 'Cold', alias: 'oven-1', details: { tenant_id: 'foreign' } });
    await send(`${ALERTS}/oven-1/close`, {});
    expect(statuses()).toEqual([
      ['north', 'oven-1', 'firing'],
      ['north', 'oven-1', 'resolved'],
    ]);
    expect(published[0]!.labels).toEqual({ tenant_id: 'foreign' });
  });

  it('may be the only valid one', async () => {
    expect((await page(trigger({ tenant_id: 'no tenant, at all' }))).status).toBe(202);
    expect((await send(ALERTS, { message: 'Cold', details: { tenant_id: 'a,b' } })).status).toBe(202);
  });
});

it('a token in the header needs no routing_key beside it', async () => {
  const key = `Bearer ${TOKEN}`;
  for (const event of [trigger({}), { event_action: 'acknowledge', dedup_key: 'oven-1' }, RESOLVE])
    expect([event.event_action, (await send(PAGES, event, { key })).status]).toEqual([event.event_action, 202]);
  expect([published.map(({ status }) => status), notes.length]).toEqual([['firing', 'resolved'], 1]);
  expect((await send(PAGES, { event_action: 'odd' }, { key })).status).toBe(422);
});

describe('a note on an alert', () => {
  it('finds one that is stored a moment later', async () => {
    storedAfter = 2;
    expect((await page({ event_action: 'acknowledge', dedup_key: 'oven-1', client: 'Zabbix' })).status).toBe(202);
    storedAfter = 2;
    expect((await send(`${ALERTS}/oven-1/notes`, { note: 'on my way' })).status).toBe(202);
    expect(notes.map(([, tenant, alert, note]) => [tenant, alert, note])).toEqual([
      ['north', 'a', 'Acknowledged in Zabbix.'],
      ['north', 'a', 'Noted in the system that sent the alert: on my way'],
    ]);
  });

  it('of an alert that does not come is taken, and dropped', async () => {
    storedAfter = Infinity;
    expect((await send(`${ALERTS}/oven-1/acknowledge`, {})).status).toBe(202);
    expect(notes).toEqual([]);
  });

  it('has U+FFFD for each character that cannot be stored, and these are counted', async () => {
    const replaced = async () => (await metrics.replacedCharacters.get()).values[0]?.value ?? 0;
    const before = await replaced();
    await send(`${ALERTS}/oven-1/notes`, { note: 'on\u0000my\u001bway', user: 'ana\ud800' });
    await page({ event_action: 'acknowledge', dedup_key: 'oven-1', client: 'Zab\u0000bix' });
    expect(notes.map(([, , , note]) => note)).toEqual([
      'Noted in the system that sent the alert (ana\ufffd): on\ufffdmy\ufffdway',
      'Acknowledged in Zab\ufffdbix.',
    ]);
    expect((await replaced()) - before).toBe(4);
  });
});

describe('the limits of requests', () => {
  const LEFT_ONE = /^"token";r=1;t=\d+$/;
  const REFUSED = { status: 'throttle exceeded', code: 'rate_limited', message: 'Too many attempts' };
  const other = signToken(SECRET, {
    user_id: 'ben',
    expiresInSeconds: 600,
    scopes: ['events:publish'],
    claims: { jti: 'other' },
  });

  it.each([
    ['its routing_key', () => page(trigger({}))],
    ['its header', () => send(PAGES, trigger({}), { key: `Bearer ${TOKEN}` })],
  ])('count an event of PagerDuty once by the token in %s, and refuse it as PagerDuty does', async (_, event) => {
    limits = perMinute({ token: 2 });
    const first = await event();
    expect([first.status, first.headers.get('ratelimit')]).toEqual([202, expect.stringMatching(LEFT_ONE)]);
    expect((await event()).status).toBe(202);
    const refused = await event();
    expect(refused).toMatchObject({ status: 429, json: REFUSED });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30);
    expect(published).toHaveLength(2);
    expect((await page({ ...trigger({}), routing_key: other })).status).toBe(202);
  });

  it('count the events of all tokens of a user, and those of no token by their address alone', async () => {
    limits = perMinute({ user: 2 });
    const by = (routing_key: string) => page({ ...trigger({}), routing_key });
    expect((await by('no token')).status).toBe(401);
    expect([(await by(TOKEN)).status, (await by(other)).status, (await by(TOKEN)).status]).toEqual([202, 202, 429]);
  });

  it('count a request of Opsgenie once, before its body is read', async () => {
    limits = perMinute({ token: 2 });
    const answers = [];
    for (let n = 0; n < 3; n += 1) answers.push(await send(ALERTS, { message: 'Cold' }));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 429]);
    expect(answers[0]!.headers.get('ratelimit')).toMatch(LEFT_ONE);
  });
});
