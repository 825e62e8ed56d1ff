import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { AuthModule, authSettings, ClaimTenantDirectory, signToken, type Scope } from '@tocsin/auth';
import { readSettings } from '@tocsin/settings';
import { AccessChanges, bind, DeadLetters, RawIntake, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import { aTenant, MemoryAccessChanges } from '@tocsin/contracts/testing';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import { provideVisibleTenants } from '../access/visible-tenants';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { ProblemFilter } from '../problems/problem.filter';
import { DeadLettersController } from './dead-letters.controller';
import { SettleDeadLetters } from './settle-dead-letters';
import { MemoryDeadLetters, MemoryRawIntake } from './testing/dead-letters-in-memory';

const SECRET = 'the-secret-of-these-tests-0123456789';
const settings = readSettings(authSettings, { JWT_SECRET: SECRET });
const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});

let letters: MemoryDeadLetters;
let queue: MemoryRawIntake;
let app: NestExpressApplication;
let base: string;
beforeEach(async () => {
  letters = new MemoryDeadLetters();
  queue = new MemoryRawIntake();
  const adapters = {
    module: class Adapters {},
    providers: [
      { provide: AccessChanges, useValue: new MemoryAccessChanges() },
      { provide: TenantDirectory, useValue: new ClaimTenantDirectory('tenants') },
      { provide: TicketStore, useValue: { redeem: async () => true } },
      { provide: DeadLetters, useValue: letters },
      { provide: RawIntake, useValue: queue },
    ],
    exports: [AccessChanges, TenantDirectory, TicketStore, DeadLetters, RawIntake],
  };
  @Module({
    imports: [adapters, observability, AuthModule.forRoot({ settings, adapters, observability })],
    controllers: [DeadLettersController],
    providers: [
      provideRequestCheck(),
      bind(SettleDeadLetters, SettleDeadLetters, DeadLetters, RawIntake),
      provideVisibleTenants('tenants'),
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
  base = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/api/v1/dead-letters`;

  letters.add({ tenant_id: aTenant('acme') });
  letters.add({ tenant_id: aTenant('globex'), body: Buffer.from([0xff, 0x00]) });
  letters.add({ tenant_id: null, reason: 'invalid_json' });
  letters.add({ tenant_id: aTenant('acme'), reason: 'message_too_large', truncated: true });
});
afterEach(() => app?.close());

const tokenOf = (scopes: Scope[], tenants: string[] = []) =>
  signToken(SECRET, { user_id: 'ana', expiresInSeconds: 60, scopes, claims: { tenants } });
const manager = () => tokenOf(['dead_letters:manage'], ['acme', 'initech']);
const operator = () => tokenOf(['dead_letters:operate']);

interface Said {
  code?: string;
  items?: { dead_letter_id: number }[];
  errors?: { pointer?: string; parameter?: string }[];
  [field: string]: unknown;
}
async function ask(method: string, path: string, token: string, body?: unknown, type = 'application/json') {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body !== undefined && { 'Content-Type': type }) },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const json = (method === 'HEAD' ? {} : await response.json()) as Said;
  return {
    status: response.status,
    json,
    code: json.code,
    headers: response.headers,
    ids: json.items?.map(({ dead_letter_id }) => dead_letter_id),
  };
}

test("a manager reaches the letters of the user's tenants, an operator every one", async () => {
  expect((await ask('GET', '', manager())).ids).toEqual([1, 4]);
  expect((await ask('GET', '?tenant=acme', manager())).ids).toEqual([1, 4]);
  expect((await ask('GET', '', operator())).ids).toEqual([1, 2, 3, 4]);
  expect((await ask('GET', '?tenant=globex', operator())).ids).toEqual([2]);
  expect(await ask('GET', '?tenant=globex', manager())).toMatchObject({ status: 403, code: 'tenant_forbidden' });
  for (const path of ['/2', '/3', '/5'])
    expect(await ask('GET', path, manager())).toMatchObject({ status: 404, code: 'not_found' });
  for (const path of ['/2/redrive', '/3/redrive', '/5/redrive'])
    expect(await ask('POST', path, manager())).toMatchObject({ status: 404, code: 'not_found' });
  for (const path of ['/2/discard', '/3/discard'])
    expect(await ask('POST', path, manager(), { note: 'mine' })).toMatchObject({ status: 404, code: 'not_found' });
  expect(await ask('POST', '/redrive', manager(), {})).toMatchObject({ status: 200, json: { settled: 1, left: 0 } });
  expect(letters.stored.map(({ status }) => status)).toEqual(['redriven', 'open', 'open', 'open']);
});

test('the summary counts the open letters that the caller reaches, and names the newest', async () => {
  const newest = { tenant_id: 'acme', buried_at: '2026-01-02T03:04:05.000Z' };
  expect((await ask('GET', '/summary', manager())).json).toEqual({
    open: 2,
    newest: { ...newest, dead_letter_id: 4, reason: 'message_too_large' },
  });
  expect((await ask('GET', '/summary', operator())).json).toMatchObject({ open: 4 });
  await ask('POST', '/4/discard', manager(), { note: 'seen' });
  expect((await ask('GET', '/summary', manager())).json).toEqual({
    open: 1,
    newest: { ...newest, dead_letter_id: 1, reason: 'invalid_field' },
  });
  expect((await ask('GET', '/summary', tokenOf(['dead_letters:manage'], ['initech']))).json).toEqual({
    open: 0,
    newest: null,
  });
  expect(await ask('GET', '/summary', tokenOf(['alerts:read'], ['acme']))).toMatchObject({
    status: 403,
    code: 'insufficient_scope',
  });
});

test('the newest letters come first when they are asked for', async () => {
  expect((await ask('GET', '?order=newest&limit=2', operator())).ids).toEqual([4, 3]);
  expect((await ask('GET', '?order=newest&limit=2&cursor=3', operator())).ids).toEqual([2, 1]);
  expect(await ask('GET', '?order=none', operator())).toMatchObject({ status: 400, code: 'invalid_parameter' });
});

test('a viewer reads the letters of a tenant and decides none there, whatever the user may do elsewhere', async () => {
  const viewer = (...more: object[]) =>
    signToken(SECRET, {
      user_id: 'vic',
      expiresInSeconds: 60,
      scopes: ['dead_letters:manage'],
      claims: { tenants: [{ id: 'acme', role: 'Viewer' }, ...more] },
    });
  const acts = [
    ['/1/redrive', undefined],
    ['/1/discard', { note: 'no' }],
    ['/redrive', { tenant_id: 'acme' }],
    ['/discard', { tenant_id: 'acme', note: 'no' }],
  ] as const;
  for (const token of [viewer(), viewer({ id: 'globex', role: 'owner' })]) {
    expect((await ask('GET', '?tenant=acme', token)).ids).toEqual([1, 4]);
    expect(await ask('GET', '/1', token)).toMatchObject({ status: 200 });
    for (const [path, body] of acts)
      expect([path, await ask('POST', path, token, body)]).toMatchObject([
        path,
        { status: 403, code: 'role_forbidden' },
      ]);
  }
  expect(await ask('POST', '/redrive', viewer(), {})).toMatchObject({ status: 403, code: 'role_forbidden' });
  // When the caller names no tenant, only tenants in which the user may act count.
  const elsewhere = viewer({ id: 'globex', role: 'owner' });
  expect(await ask('POST', '/3/redrive', elsewhere)).toMatchObject({ status: 404 });
  expect(await ask('POST', '/discard', elsewhere, { note: 'done' })).toMatchObject({
    status: 200,
    json: { settled: 1, left: 0 },
  });
  expect(letters.stored.map(({ status }) => status)).toEqual(['open', 'discarded', 'open', 'open']);
});

test('a list is read page by page', async () => {
  const first = await ask('GET', '?limit=3', operator());
  expect([first.ids, first.json.cursor]).toEqual([[1, 2, 3], '3']);
  const second = await ask('GET', `?limit=3&cursor=${String(first.json.cursor)}`, operator());
  expect([second.ids, second.json.cursor]).toEqual([[4], null]);
  expect(JSON.stringify(first.json)).not.toContain('"body"');
});

test('a list is of open letters, unless another status or all are asked for', async () => {
  await ask('POST', '/1/discard', manager(), { note: 'noise' });
  expect((await ask('GET', '', manager())).ids).toEqual([4]);
  expect((await ask('GET', '?status=discarded', manager())).ids).toEqual([1]);
  expect((await ask('GET', '?status=all', manager())).ids).toEqual([1, 4]);
  expect((await ask('GET', '?reason=message_too_large&nonsense=1', manager())).ids).toEqual([4]);
});

test.each([
  ['status=dead', 'status'],
  ['limit=0', 'limit'],
  ['limit=501', 'limit'],
  ['limit=x', 'limit'],
  ['cursor=-1', 'cursor'],
  ['tenant=a%20b', 'tenant'],
  ['reason=A', 'reason'],
])('?%s is refused by name', async (query, parameter) => {
  expect(await ask('GET', `?${query}`, operator())).toMatchObject({
    status: 400,
    code: 'invalid_parameter',
    json: { errors: [{ parameter }] },
  });
});

test('a letter is shown with its message, in base64 when it is not text', async () => {
  expect((await ask('GET', '/1', manager())).json).toMatchObject({
    dead_letter_id: 1,
    reason: 'invalid_field',
    body: '{"id":"m"}',
    body_encoding: 'utf8',
  });
  expect((await ask('GET', '/2', operator())).json).toMatchObject({ body: '/wA=', body_encoding: 'base64' });
});

test('a letter is redriven once, however often it is asked for, and is not discarded afterwards', async () => {
  const first = await ask('POST', '/1/redrive', manager());
  expect(first).toMatchObject({ status: 200, json: { dead_letter_id: 1, status: 'redriven', decided_by: 'ana' } });
  expect((await ask('POST', '/1/redrive', manager())).json).toEqual(first.json);
  expect(queue.published).toHaveLength(1);
  expect(await ask('POST', '/1/discard', manager(), { note: 'no' })).toMatchObject({
    status: 409,
    code: 'already_decided',
  });
});

test('a letter is discarded with a note, and is not redriven afterwards', async () => {
  const first = await ask('POST', '/1/discard', manager(), { note: ' a drill ' });
  expect(first).toMatchObject({ status: 200, json: { status: 'discarded', decided_by: 'ana', note: 'a drill' } });
  expect((await ask('POST', '/1/discard', manager(), { note: 'another' })).json).toEqual(first.json);
  expect(await ask('POST', '/1/redrive', manager())).toMatchObject({ status: 409, code: 'already_decided' });
  expect(queue.published).toEqual([]);
});

test('a truncated letter is not redriven, and it is said why', async () => {
  expect(await ask('POST', '/4/redrive', manager())).toMatchObject({
    status: 409,
    code: 'truncated',
    json: { detail: expect.stringContaining('longer than what is kept') as string },
  });
});

test('of many, those that match are settled, and it is said how many are left', async () => {
  expect((await ask('POST', '/redrive', operator(), { limit: 1 })).json).toEqual({
    settled: 1,
    failed: 0,
    left: 2,
    up_to: 3,
  });
  expect((await ask('POST', '/redrive', operator())).json).toEqual({ settled: 2, failed: 0, left: 0, up_to: 3 });
  expect((await ask('POST', '/discard', operator(), { reason: 'message_too_large', note: 'told them' })).json).toEqual({
    settled: 1,
    failed: 0,
    left: 0,
    up_to: 4,
  });
});

test.each([
  ['/1/discard', {}, 422, 'invalid_field', '/note'],
  ['/1/discard', { note: ' ' }, 422, 'invalid_field', '/note'],
  ['/1/discard', { note: 'x'.repeat(501) }, 422, 'invalid_field', '/note'],
  ['/1/discard', { note: 'x', why: 'y' }, 422, 'unknown_field', '/why'],
  ['/discard', {}, 422, 'invalid_field', '/note'],
  ['/redrive', { tenant: 'acme' }, 422, 'unknown_field', '/tenant'],
  ['/redrive', { tenant_id: 'a b' }, 422, 'invalid_field', '/tenant_id'],
  ['/redrive', { reason: 7 }, 422, 'invalid_field', '/reason'],
  ['/redrive', { up_to: -1 }, 422, 'invalid_field', '/up_to'],
  ['/redrive', { limit: 501 }, 422, 'invalid_field', '/limit'],
  ['/redrive', '[]', 400, 'invalid_json', undefined],
  ['/redrive', '{', 400, 'invalid_json', undefined],
])(
  'POST %s %j is refused with %i and says where, and nothing is decided',
  async (path, body, status, code, pointer) => {
    const answer = await ask('POST', path, operator(), body);
    expect([answer.status, answer.code, answer.json.errors?.[0]?.pointer]).toEqual([status, code, pointer]);
    expect(letters.stored.every((letter) => letter.status === 'open')).toBe(true);
  },
);

test('a caller that may not manage dead letters is refused', async () => {
  expect(await ask('GET', '', tokenOf(['alerts:read', 'alerts:write', 'events:publish'], ['acme']))).toMatchObject({
    status: 403,
    code: 'insufficient_scope',
  });
  expect(await ask('GET', '', tokenOf(['dead_letters:manage']))).toMatchObject({ status: 403, code: 'no_tenant' });
  expect((await fetch(base)).status).toBe(401);
  expect(await ask('POST', '/redrive', operator(), '{}', 'text/plain')).toMatchObject({
    status: 415,
    code: 'unsupported_media_type',
  });
});

test.each([
  ['DELETE', '/1', 'GET, HEAD'],
  ['PUT', '', 'GET, HEAD'],
  ['DELETE', '/1/discard', 'POST'],
  ['PUT', '/redrive', 'POST'],
])('%s is not a method of %s', async (method, path, allowed) => {
  const answer = await ask(method, path, operator());
  expect([answer.status, answer.code, answer.headers.get('allow')]).toEqual([405, 'method_not_allowed', allowed]);
});

test('it is unavailable while the store or the queue is away, and what is not confirmed stays open', async () => {
  queue.confirms = () => false;
  expect(await ask('POST', '/1/redrive', manager())).toMatchObject({ status: 503, code: 'publish_failed' });
  expect((await ask('POST', '/redrive', operator(), {})).json).toEqual({ settled: 0, failed: 3, left: 3, up_to: 3 });
  queue.away = true;
  expect(await ask('POST', '/redrive', operator(), {})).toMatchObject({ status: 503, code: 'publish_failed' });
  letters.away = true;
  expect(await ask('GET', '', operator())).toMatchObject({ status: 503, code: 'store_unavailable' });
});
