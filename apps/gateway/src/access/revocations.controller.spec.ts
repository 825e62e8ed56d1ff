import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { AuthModule, authSettings, ClaimTenantDirectory, Revocations, signToken, type Scope } from '@tocsin/auth';
import { readSettings } from '@tocsin/settings';
import { AccessChanges, bind, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import { MemoryAccessChanges } from '@tocsin/contracts/testing';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { ProblemFilter } from '../problems/problem.filter';
import { RevocationsController } from './revocations.controller';

const SECRET = 'the-secret-of-these-tests-0123456789';
const settings = readSettings(authSettings, { JWT_SECRET: SECRET });
const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});

let store: MemoryAccessChanges;
let app: NestExpressApplication;
let url: string;
let logged: unknown[][];

beforeEach(async () => {
  store = new MemoryAccessChanges();
  const adapters = {
    module: class Adapters {},
    providers: [
      { provide: AccessChanges, useValue: store },
      { provide: TenantDirectory, useValue: new ClaimTenantDirectory('tenants') },
      { provide: TicketStore, useValue: { redeem: async () => true } },
    ],
    exports: [AccessChanges, TenantDirectory, TicketStore],
  };
  @Module({
    imports: [adapters, observability, AuthModule.forRoot({ settings, adapters, observability })],
    controllers: [RevocationsController],
    providers: [provideRequestCheck(), { ...bind(ProblemFilter, ProblemFilter, Metrics, Log), provide: APP_FILTER }],
  })
  class Door {}
  app = await NestFactory.create<NestExpressApplication>(Door, {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  logged = [];
  app.get(Log, { strict: false }).info = (...line: unknown[]) => void logged.push(line);
  prepareHttp(app, { CORS_ORIGINS: [], BODIES_BYTES: 33_554_432 });
  await app.listen(0, '127.0.0.1');
  url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/api/v1/revocations`;
});
afterEach(() => app?.close());

const tokenOf = (user_id: string, scopes: Scope[], claims: Record<string, unknown> = {}) =>
  signToken(SECRET, { user_id, expiresInSeconds: 60, scopes, claims });
async function post(
  body: unknown,
  { token = tokenOf('identity', ['access:revoke']), method = 'POST', type = 'application/json' } = {},
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    headers: { 'Content-Type': type, ...(token && { Authorization: `Bearer ${token}` }) },
    ...(method === 'POST' && { body: text }),
  });
  const json = (await response.json()) as { code?: string; errors?: { pointer: string }[] };
  return {
    status: response.status,
    code: json.code,
    pointers: json.errors?.map(({ pointer }) => pointer),
    json,
    headers: response.headers,
  };
}
const stored = () =>
  store.stored.map(({ user_id, tenant_id, jti, issued_before }) => ({ user_id, tenant_id, jti, issued_before }));

describe('POST /api/v1/revocations', () => {
  test.each([
    [{ user_id: 'ada' }, {}],
    [{ user_id: 'ada', tenant_id: 'acme' }, { tenant_id: 'acme' }],
    [{ user_id: 'ada', jti: 'one' }, { jti: 'one' }],
    [{ user_id: 'ada', issued_before: '2026-01-02T04:04:05+01:00' }, { issued_before: '2026-01-02T03:04:05.000Z' }],
  ])('%j is stored', async (body, subject) => {
    expect(await post(body)).toMatchObject({ status: 202, json: {} });
    expect(stored()).toEqual([{ user_id: 'ada', tenant_id: null, jti: null, issued_before: null, ...subject }]);
    expect(logged).toEqual([[{ user_id: 'ada', ...subject, revoked_by: 'identity' }, 'access was revoked']]);
  });

  test('is in force on this gateway before the response', async () => {
    const token = tokenOf('eve', ['access:revoke'], { jti: 'one' });
    expect((await post({ user_id: 'bob' }, { token })).status).toBe(202);
    expect((await post({ user_id: 'eve', jti: 'one' })).status).toBe(202);
    expect(await post({ user_id: 'bob' }, { token })).toMatchObject({ status: 401, code: 'token_revoked' });
    expect(app.get(Revocations, { strict: false }).isRevoked({ user_id: 'bob', jti: null, issued_at: null })).toBe(
      true,
    );
  });

  test.each([
    [{}, 'invalid_field', ['/user_id']],
    [{ user_id: '' }, 'invalid_field', ['/user_id']],
    [{ user_id: 7 }, 'invalid_field', ['/user_id']],
    [{ user_id: 'x'.repeat(256) }, 'invalid_field', ['/user_id']],
    [{ user_id: 'ada', 'a/b': 1 }, 'unknown_field', ['/a~1b']],
    [{ user_id: 'ada', tenant: 'acme' }, 'unknown_field', ['/tenant']],
    ['{"user_id":"ada","__proto__":{"jti":"one"}}', 'unknown_field', ['/__proto__']],
    [{ user_id: 'ada', tenant_id: null }, 'invalid_field', ['/tenant_id']],
    [{ user_id: 'ada', tenant_id: 'a b' }, 'invalid_field', ['/tenant_id']],
    [{ user_id: 'ada', tenant_id: 'x'.repeat(65) }, 'invalid_field', ['/tenant_id']],
    [{ user_id: 'ada', jti: '' }, 'invalid_field', ['/jti']],
    [{ user_id: 'ada', issued_before: 'yesterday' }, 'invalid_field', ['/issued_before']],
    [{ user_id: 'ada', issued_before: '2026-02-30T00:00:00Z' }, 'invalid_field', ['/issued_before']],
    [{ user_id: 'ada', issued_before: 1767323045 }, 'invalid_field', ['/issued_before']],
    [{ user_id: 'ada', issued_before: '1767323045' }, 'invalid_field', ['/issued_before']],
    [{ user_id: 'ada', tenant_id: 'acme', jti: 'one' }, 'invalid_field', ['/tenant_id', '/jti']],
    [
      { user_id: 'ada', jti: 'one', issued_before: '2026-01-02T03:04:05Z' },
      'invalid_field',
      ['/jti', '/issued_before'],
    ],
    [{ user_id: 'a\u0000' }, 'control_characters', undefined],
  ])('%j is refused with 422 and a pointer, and nothing is revoked', async (body, code, pointers) => {
    expect(await post(body)).toMatchObject({ status: 422, code, pointers });
    expect(stored()).toEqual([]);
  });

  test.each([
    ['{', 400, 'invalid_json'],
    ['', 400, 'invalid_json'],
    ['[]', 400, 'invalid_json'],
    ['"ada"', 400, 'invalid_json'],
    [`{"user_id":"${'x'.repeat(5_000)}"}`, 413, 'body_too_large'],
  ])('the body %j is refused', async (body, status, code) => {
    expect(await post(body)).toMatchObject({ status, code });
    expect(stored()).toEqual([]);
  });

  test('refuses a caller that may not revoke', async () => {
    expect(await post({ user_id: 'ada' }, { token: tokenOf('ada', ['alerts:read', 'events:publish']) })).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
    });
    expect(await post({ user_id: 'ada' }, { token: '' })).toMatchObject({ status: 401, code: 'missing_credentials' });
    expect(await post({ user_id: 'ada' }, { type: 'text/plain' })).toMatchObject({
      status: 415,
      code: 'unsupported_media_type',
    });
    expect(stored()).toEqual([]);
  });

  test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('%s is not a method of it', async (method) => {
    const answer = await post(undefined, { method });
    expect([answer.status, answer.code, answer.headers.get('allow')]).toEqual([405, 'method_not_allowed', 'POST']);
  });

  test('is unavailable while the store is away, and in force once it is stored, even if it cannot be read back', async () => {
    const token = tokenOf('eve', ['access:revoke'], { jti: 'one' });
    store.away = true;
    const answer = await post({ user_id: 'ada' });
    expect([answer.status, answer.code]).toEqual([503, 'store_unavailable']);
    expect(answer.headers.get('retry-after')).toMatch(/^[1-8]$/);
    store.away = false;
    jest.spyOn(store, 'since').mockRejectedValue(new Error('away'));
    expect((await post({ user_id: 'eve', jti: 'one' })).status).toBe(202);
    expect(await post({ user_id: 'ada' }, { token })).toMatchObject({ status: 401, code: 'token_revoked' });
  });
});
