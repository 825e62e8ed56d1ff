import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createECDH } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { AuthModule, authSettings, ClaimTenantDirectory, signToken } from '@tocsin/auth';
import { AccessChanges, bind, PushSubscriptions, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import { MemoryAccessChanges } from '@tocsin/contracts/testing';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import { readSettings } from '@tocsin/settings';
import { provideVisibleTenants } from '../access/visible-tenants';
import { GatewayConfig } from '../config';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { ProblemFilter } from '../problems/problem.filter';
import { PushController } from './push.controller';

const SECRET = 'the-secret-of-these-tests-0123456789';
const settings = readSettings(authSettings, { JWT_SECRET: SECRET });
const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});
const VAPID_PUBLIC_KEY = createECDH('prime256v1').generateKeys('base64url');
const ISSUED_AT = Math.floor(Date.now() / 1_000) * 1_000;
const BROWSER_ID = 'a'.repeat(64);
const browser = {
  endpoint: 'https://push.example/of-this-browser',
  p256dh: createECDH('prime256v1').generateKeys('base64url'),
  auth: Buffer.alloc(16, 1).toString('base64url'),
};
const config: { VAPID_PUBLIC_KEY?: string | undefined } = { VAPID_PUBLIC_KEY };

let calls: unknown[];
let app: NestExpressApplication;
let url: string;
beforeAll(async () => {
  const adapters = {
    module: class Adapters {},
    providers: [
      { provide: AccessChanges, useValue: new MemoryAccessChanges() },
      { provide: TenantDirectory, useValue: new ClaimTenantDirectory('tenants') },
      { provide: TicketStore, useValue: { redeem: async () => true } },
      {
        provide: PushSubscriptions,
        useValue: {
          subscribe: async (...about: unknown[]) => void calls.push(['subscribe', ...about]),
          of: async () => [],
          unsubscribe: async (...about: unknown[]) => (calls.push(['unsubscribe', ...about]), about[2] === BROWSER_ID),
        },
      },
    ],
    exports: [AccessChanges, TenantDirectory, TicketStore, PushSubscriptions],
  };
  @Module({
    imports: [adapters, observability, AuthModule.forRoot({ settings, adapters, observability })],
    controllers: [PushController],
    providers: [
      provideRequestCheck(),
      provideVisibleTenants('tenants'),
      { provide: GatewayConfig, useValue: config },
      { ...bind(ProblemFilter, ProblemFilter, Metrics, Log), provide: APP_FILTER },
    ],
  })
  class Door {}
  app = await NestFactory.create<NestExpressApplication>(Door, {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  prepareHttp(app, { CORS_ORIGINS: [], BODIES_BYTES: 33_554_432 });
  await app.listen(0, '127.0.0.1');
  url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/api/v1/push`;
});
afterAll(() => app?.close());
beforeEach(() => {
  calls = [];
  config.VAPID_PUBLIC_KEY = VAPID_PUBLIC_KEY;
});

async function ask(method: string, { body, query = '' }: { body?: unknown; query?: string } = {}) {
  const token = signToken(SECRET, {
    user_id: 'ana',
    expiresInSeconds: 60,
    scopes: ['alerts:read'],
    claims: { tenants: ['bakery', 'cafe'], iat: ISSUED_AT / 1_000 },
  });
  const response = await fetch(url + query, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = (await response.json()) as { code?: string; errors?: { pointer?: string }[] };
  return { status: response.status, json, code: json.code, pointer: json.errors?.[0]?.pointer };
}
const ANA = { user_id: 'ana', issuer: '' };

test('shows the key to subscribe with, and null where none is set', async () => {
  expect(await ask('GET')).toMatchObject({ status: 200, json: { public_key: VAPID_PUBLIC_KEY, browsers: [] } });
  config.VAPID_PUBLIC_KEY = undefined;
  expect(await ask('GET')).toMatchObject({ status: 200, json: { public_key: null } });
  expect(await ask('PUT', { body: browser })).toMatchObject({ status: 404, code: 'not_found' });
});

test("subscribes for all of the user's tenants, or for the named ones", async () => {
  expect(await ask('PUT', { body: browser })).toMatchObject({ status: 200 });
  expect(await ask('PUT', { body: { ...browser, tenants: ['cafe', 'cafe'] } })).toMatchObject({ status: 200 });
  expect(calls).toEqual([
    ['subscribe', ANA, ['bakery', 'cafe'], browser, ISSUED_AT],
    ['subscribe', ANA, ['cafe'], browser, ISSUED_AT],
  ]);
});

test.each([
  ['a tenant of others', { tenants: ['bakery', 'diner'] }, 422, 'tenant_forbidden', '/tenants/1'],
  ['no tenant', { tenants: [] }, 400, 'empty_batch', '/tenants'],
  ['a plain address', { endpoint: 'http://push.example/x' }, 422, 'invalid_field', '/endpoint'],
  ['a script', { endpoint: 'javascript:alert(1)' }, 422, 'invalid_field', '/endpoint'],
  ['a password', { endpoint: 'https://a:b@push.example/' }, 422, 'invalid_field', '/endpoint'],
  ['two spellings', { endpoint: 'https://PUSH.example/x' }, 422, 'invalid_field', '/endpoint'],
  ['a long address', { endpoint: `https://push.example/${'x'.repeat(1_000)}` }, 422, 'invalid_field', '/endpoint'],
  ['a key beside the curve', { p256dh: Buffer.alloc(65, 4).toString('base64url') }, 422, 'invalid_field', '/p256dh'],
  ['a short secret', { auth: 'AAAA' }, 422, 'invalid_field', '/auth'],
  ['a field that is not known', { expiry: 1 }, 422, 'unknown_field', '/expiry'],
])('refuses %s, and stores nothing', async (_name, more, _status, code, pointer) => {
  const refused = await ask('PUT', { body: { ...browser, ...more } });
  expect(refused).toMatchObject({ code, pointer });
  expect(refused.status).toBeGreaterThanOrEqual(400);
  expect(calls).toEqual([]);
});

test("removes one of the user's browsers by its id, and says when there is none", async () => {
  expect(await ask('DELETE', { query: `?browser=${BROWSER_ID}` })).toMatchObject({ status: 200 });
  expect(await ask('DELETE', { query: `?browser=${'b'.repeat(64)}` })).toMatchObject({ status: 404 });
  expect(calls[0]).toEqual(['unsubscribe', ANA, ['bakery', 'cafe'], BROWSER_ID]);
  expect(await ask('DELETE')).toMatchObject({ status: 400, code: 'invalid_parameter' });
  expect(await ask('POST', { body: browser })).toMatchObject({ status: 405 });
});
