import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { AuthModule, authSettings, ClaimTenantDirectory, signToken } from '@tocsin/auth';
import { readSettings } from '@tocsin/settings';
import {
  AccessChanges,
  bind,
  EventLog,
  SeenPositions,
  TenantDirectory,
  TicketStore,
  type Reader,
  type SeenPosition,
} from '@tocsin/contracts/ports';
import { aTenant, MemoryAccessChanges } from '@tocsin/contracts/testing';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import { provideVisibleTenants } from '../access/visible-tenants';
import { GatewayConfig } from '../config';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { LogInMemory } from '../feeds/testing/log-in-memory';
import { ProblemFilter } from '../problems/problem.filter';
import { SeenCursorController } from './seen-cursor.controller';

const SECRET = 'the-secret-of-these-tests-0123456789';
const settings = readSettings(authSettings, { JWT_SECRET: SECRET });
const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});

const [bakery, cafe] = [aTenant('bakery'), aTenant('cafe')];
let log: LogInMemory;
let advanced: { user: Reader; positions: readonly SeenPosition[] }[];
let app: NestExpressApplication;
let url: string;
beforeAll(async () => {
  log = new LogInMemory();
  log.put(bakery, 3);
  log.put(cafe, 3);
  const seen: SeenPositions = {
    of: async (_user, tenants) => tenants.map((tenant_id) => ({ tenant_id, epoch: 'e', seq: 1 })),
    advance: async (user, positions) => void advanced.push({ user, positions }),
  };
  const adapters = {
    module: class Adapters {},
    providers: [
      { provide: AccessChanges, useValue: new MemoryAccessChanges() },
      { provide: TenantDirectory, useValue: new ClaimTenantDirectory('tenants') },
      { provide: TicketStore, useValue: { redeem: async () => true } },
      { provide: SeenPositions, useValue: seen },
      { provide: EventLog, useValue: log },
    ],
    exports: [AccessChanges, TenantDirectory, TicketStore, SeenPositions, EventLog],
  };
  @Module({
    imports: [adapters, observability, AuthModule.forRoot({ settings, adapters, observability })],
    controllers: [SeenCursorController],
    providers: [
      provideRequestCheck(),
      provideVisibleTenants('tenants'),
      { provide: GatewayConfig, useValue: settings },
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
  url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/api/v1/me/cursor`;
});
afterAll(() => app?.close());
beforeEach(() => (advanced = []));

interface Said {
  code?: string;
  errors?: { pointer?: string }[];
  [field: string]: unknown;
}
async function ask(method: string, body?: unknown, tenants: string[] = ['bakery', 'cafe']) {
  const token = signToken(SECRET, {
    user_id: 'ana',
    expiresInSeconds: 60,
    scopes: ['alerts:read'],
    claims: { tenants },
  });
  const response = await fetch(url, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = (await response.json()) as Said;
  return {
    status: response.status,
    json,
    code: json.code,
    pointers: json.errors?.map(({ pointer }) => pointer),
    allow: response.headers.get('Allow'),
  };
}
const positionOf = (tenant_id: SeenPosition['tenant_id'], seq: number): SeenPosition => ({
  tenant_id,
  epoch: log.position(tenant_id, seq).epoch,
  seq,
});
const bare = (tenant: SeenPosition['tenant_id'], seq: number) => Object.values(log.position(tenant, seq)).join('-');

test("tells what the user has seen of the user's tenants, and moves it forward", async () => {
  const stands = {
    tenants: [
      { tenant_id: 'bakery', epoch: 'e', seq: 1 },
      { tenant_id: 'cafe', epoch: 'e', seq: 1 },
    ],
  };
  expect(await ask('GET')).toMatchObject({ status: 200, json: stands });
  expect(await ask('PUT', { tenants: [positionOf(cafe, 2)] })).toMatchObject({ status: 200, json: stands });
  expect(advanced).toEqual([{ user: { user_id: 'ana', issuer: '' }, positions: [positionOf(cafe, 2)] }]);
  expect(await ask('PUT', { tenants: [] })).toMatchObject({ status: 200 });
  expect(await ask('GET', undefined, [])).toMatchObject({ status: 403, code: 'no_tenant' });
  expect(await ask('DELETE')).toMatchObject({ status: 405, allow: 'GET, HEAD, PUT' });
});

test('takes the cursor of a stream, and passes over tenants that are no longer theirs', async () => {
  expect(await ask('PUT', { cursor: `bakery=${bare(bakery, 2)};gone=${bare(cafe, 3)}` })).toMatchObject({
    status: 200,
  });
  expect(await ask('PUT', { cursor: bare(cafe, 3) })).toMatchObject({ status: 200 });
  expect(await ask('PUT', { cursor: bare(bakery, 1) }, ['bakery'])).toMatchObject({ status: 200 });
  expect(await ask('PUT', { cursor: 'elsewhere-3-abcdefgh' })).toMatchObject({ status: 200 });
  expect(advanced.map(({ positions }) => positions)).toEqual([
    [positionOf(bakery, 2)],
    [positionOf(cafe, 3)],
    [positionOf(bakery, 1)],
    [],
  ]);
});

test.each([
  [{}, ''],
  [{ tenants: [], cursor: 'e-1-abcdefgh' }, ''],
  [{ cursor: 'what' }, '/cursor'],
  [{ cursor: '' }, '/cursor'],
  [{ tenants: {} }, '/tenants'],
  [{ tenants: [null] }, '/tenants/0'],
  [{ tenants: [{ tenant_id: 'a b', epoch: 'e', seq: 1 }] }, '/tenants/0/tenant_id'],
  [{ tenants: [{ tenant_id: 'cafe', epoch: 'E!', seq: 1 }] }, '/tenants/0/epoch'],
  [{ tenants: [{ tenant_id: 'cafe', epoch: 'e', seq: -1 }] }, '/tenants/0/seq'],
  [
    {
      tenants: [
        { tenant_id: 'cafe', epoch: 'e', seq: 1 },
        { tenant_id: 'cafe', epoch: 'e', seq: 2 },
      ],
    },
    '/tenants/1/tenant_id',
  ],
])('%j is refused with a pointer', async (body, pointer) => {
  expect(await ask('PUT', body)).toMatchObject({ status: 422, code: 'invalid_field', pointers: [pointer] });
  expect(advanced).toEqual([]);
});

test("refuses fields that it does not know and tenants that are not the user's", async () => {
  expect(await ask('PUT', { tenants: [{ tenant_id: 'cafe', epoch: 'e', seq: 1, fp: 'x' }] })).toMatchObject({
    status: 422,
    code: 'unknown_field',
    pointers: ['/tenants/0/fp'],
  });
  expect(await ask('PUT', { tenants: [{ tenant_id: 'bar', epoch: 'e', seq: 1 }] })).toMatchObject({
    status: 403,
    code: 'tenant_forbidden',
    pointers: ['/tenants/0/tenant_id'],
  });
  expect(advanced).toEqual([]);
});
