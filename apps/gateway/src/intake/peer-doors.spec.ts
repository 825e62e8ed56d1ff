import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { Revocations, signToken, TokenVerifier } from '@tocsin/auth';
import type { ValidMessage } from '@tocsin/contracts';
import { AlertQueries, bind } from '@tocsin/contracts/ports';
import { MemoryAccessChanges } from '@tocsin/contracts/testing';
import { createLogger, Log, Metrics } from '@tocsin/observability';
import { VisibleTenants } from '../access/visible-tenants';
import { prepareHttp } from '../http-server';
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
    bind(PeerPublisher, PeerPublisher, TokenVerifier, Revocations, VisibleTenants),
    bind(OpsgenieKeyGuard, OpsgenieKeyGuard, PeerPublisher),
    { provide: TokenVerifier, useValue: verifier },
    { provide: Revocations, useValue: new Revocations(new MemoryAccessChanges(), log) },
    { provide: VisibleTenants, useValue: { publisher: () => (tenant: string) => tenant !== 'foreign' } },
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
  [published, notes, storedAfter] = [[], [], 0];
});

async function send(path: string, body: object, { method = 'POST', key = `GenieKey ${TOKEN}` } = {}) {
  const response = await fetch(origin + path, {
    method,
    headers: { 'Content-Type': 'application/json', ...(key && { Authorization: key }) },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
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
