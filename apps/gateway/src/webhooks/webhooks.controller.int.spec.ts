import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { AuthModule, authSettings, ClaimTenantDirectory, signToken, type Scope } from '@tocsin/auth';
import { readSettings } from '@tocsin/settings';
import { AccessChanges, bind, Doorbell, TenantDirectory, TicketStore, WebhookEndpoints } from '@tocsin/contracts/ports';
import { MemoryAccessChanges } from '@tocsin/contracts/testing';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import { Database, PostgresWebhookEndpoints } from '@tocsin/postgres';
import { asOwner, freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { provideVisibleTenants } from '../access/visible-tenants';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { ProblemFilter } from '../problems/problem.filter';
import { WebhooksController } from './webhooks.controller';

const SECRET = 'the-secret-of-these-tests-0123456789';
const settings = readSettings(authSettings, { JWT_SECRET: SECRET });
const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});

let fresh: FreshDatabase;
let database: Database;
let app: NestExpressApplication;
let base: string;
let rings = 0;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = fresh.open('tocsin_gateway');
  const adapters = {
    module: class Adapters {},
    providers: [
      { provide: AccessChanges, useValue: new MemoryAccessChanges() },
      { provide: TenantDirectory, useValue: new ClaimTenantDirectory('tenants') },
      { provide: TicketStore, useValue: { redeem: async () => true } },
      { provide: WebhookEndpoints, useValue: new PostgresWebhookEndpoints(database) },
      { provide: Doorbell, useValue: { ring: async () => void (rings += 1) } },
    ],
    exports: [AccessChanges, TenantDirectory, TicketStore, WebhookEndpoints, Doorbell],
  };
  @Module({
    imports: [adapters, observability, AuthModule.forRoot({ settings, adapters, observability })],
    controllers: [WebhooksController],
    providers: [
      provideRequestCheck(),
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
  base = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/api/v1/webhooks`;
}, 60_000);
afterAll(async () => {
  await app?.close();
  await database?.close();
  await fresh?.drop();
});

const tokenOf = (tenants: unknown[], scopes: Scope[] = ['alerts:read', 'alerts:write']) =>
  signToken(SECRET, { user_id: 'ana', expiresInSeconds: 60, scopes, claims: { tenants } });
const ana = () => tokenOf(['bakery', 'cafe']);

interface Said {
  code?: string;
  endpoint_id?: string;
  webhooks?: Said[];
  errors?: { pointer?: string }[];
  [field: string]: unknown;
}
async function ask(method: string, path: string, token: string, body?: unknown) {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = (method === 'HEAD' ? {} : await response.json()) as Said;
  const pointers = json.errors?.map(({ pointer }) => pointer);
  return { status: response.status, json, code: json.code, pointers, headers: response.headers };
}
const configure = async (url: string, more: object = {}, tenant_id = 'bakery') =>
  (await ask('POST', '', ana(), { tenant_id, url, ...more })).json.endpoint_id!;

test('an address is configured before its first use, under the form in which it is posted to', async () => {
  const url = 'https://HOOKS.example.com/a#part';
  const made = await ask('POST', '', ana(), { tenant_id: 'bakery', url, headers: { Authorization: 'Bearer s3cret' } });
  expect(made).toMatchObject({
    status: 200,
    json: {
      tenant_id: 'bakery',
      url: 'https://hooks.example.com/a',
      format: null,
      header_names: ['Authorization'],
      owner: 'ana',
      secret_version: 1,
    },
  });
  const again = await ask('POST', '', ana(), {
    tenant_id: 'bakery',
    url: 'https://hooks.example.com/a',
    format: 'slack',
  });
  expect(again.json).toMatchObject({ ...made.json, format: 'slack' });
  expect(await ask('GET', `/${made.json.endpoint_id}`, ana())).toMatchObject({ status: 200, json: again.json });
  expect(JSON.stringify(again.json)).not.toContain('s3cret');
});

test('a template is kept, and one with a fault is refused with its line', async () => {
  const template = '{"text": "{{ subject }}",\n "room": "{{ data.labels.room }}"}';
  const id = await configure('https://a.example/template', { template });
  expect((await ask('GET', `/${id}`, ana())).json).toMatchObject({ template });
  const wrong = template.replace('subject', 'subject | jsn').replace('data.labels', 'data.lables');
  const refused = await ask('PATCH', `/${id}`, ana(), { template: wrong });
  expect(refused).toMatchObject({ status: 422, code: 'invalid_template', pointers: ['/template'] });
  expect(JSON.stringify(refused.json.errors)).toContain('Line 1, column 11: undefined filter: jsn.');
  expect((await ask('GET', `/${id}`, ana())).json).toMatchObject({ template });
  expect((await ask('PATCH', `/${id}`, ana(), { template: null })).json).toMatchObject({ template: null });
});

test('a list shows the tenants that it names, or all', async () => {
  const [one, two] = [await configure('https://a.example/list'), await configure('https://a.example/list', {}, 'cafe')];
  const idsOf = async (query: string) =>
    (await ask('GET', query, ana())).json.webhooks!.map((webhook) => webhook.endpoint_id);
  expect(await idsOf('')).toEqual(expect.arrayContaining([one, two]));
  expect(await idsOf('?tenant=cafe')).toEqual([two]);
  expect(await ask('GET', '?tenant=diner', ana())).toMatchObject({ status: 403, code: 'tenant_forbidden' });
  expect(await ask('GET', '?of=cafe', ana())).toMatchObject({ status: 400, code: 'invalid_parameter' });
});

test('a secret is shown to users who may act, may not be cached, and is rotated', async () => {
  const id = await configure('https://a.example/secret');
  const first = await ask('GET', `/${id}/secret`, ana());
  expect(first).toMatchObject({ status: 200, json: { secret: expect.stringMatching(/^whsec_/) as string } });
  expect(first.headers.get('cache-control')).toBe('no-store');
  expect((await ask('PATCH', `/${id}`, ana(), { rotate: true })).json).toMatchObject({ secret_version: 2 });
  const second = await ask('GET', `/${id}/secret`, ana());
  expect(second.json).toMatchObject({ previous_secret: first.json.secret, secret_version: 2 });
  expect(second.json.secret).not.toBe(first.json.secret);
});

test('it is switched off and on', async () => {
  const id = await configure('https://a.example/off');
  expect((await ask('PATCH', `/${id}`, ana(), { enabled: false })).json).toMatchObject({
    disabled_reason: 'by_request',
  });
  expect((await ask('PATCH', `/${id}`, ana(), { enabled: true })).json).toMatchObject({ disabled_at: null });
});

test('a test is a notification to it alone, and rings for the notifiers', async () => {
  const id = await configure('https://a.example/test');
  expect(rings).toBe(0);
  const { status, json } = await ask('POST', `/${id}/test`, ana());
  expect(rings).toBe(1);
  expect(status).toBe(202);
  expect(
    await asOwner(
      { url: fresh.url },
      'select to_channels, to_recipients, created_by from tocsin.notification where notification_id = $1',
      [json.notification_id],
    ),
  ).toEqual([{ to_channels: ['webhook'], to_recipients: ['https://a.example/test'], created_by: 'ana' }]);
});

test.each([
  ['GET', ''],
  ['PATCH', ''],
  ['GET', '/secret'],
  ['POST', '/test'],
])('%s of a webhook (%s) of another tenant, or of none, is not found', async (method, part) => {
  const id = await configure('https://a.example/foreign');
  const body = method === 'PATCH' ? { enabled: false } : undefined;
  for (const [token, one] of [
    [tokenOf(['diner']), id],
    [ana(), '01930000-0000-7000-8000-000000000000'],
    [ana(), 'no-id'],
  ] as const)
    expect(await ask(method, `/${one}${part}`, token, body)).toMatchObject({ status: 404, code: 'not_found' });
});

test('a viewer and a token without the scope read the host of an address, and neither change nor see a secret', async () => {
  const id = await configure('https://a.example/viewer');
  const viewer = tokenOf([{ id: 'bakery', role: 'viewer' }, 'cafe']);
  const reader = tokenOf(['bakery'], ['alerts:read']);
  for (const [token, code] of [
    [viewer, 'role_forbidden'],
    [reader, 'insufficient_scope'],
  ] as const) {
    expect(await ask('GET', `/${id}`, token)).toMatchObject({ status: 200, json: { url: 'https://a.example/…' } });
    const { webhooks } = (await ask('GET', '?tenant=bakery', token)).json;
    expect(webhooks!.find(({ endpoint_id }) => endpoint_id === id)).toMatchObject({ url: 'https://a.example/…' });
    for (const [method, path, body] of [
      ['PATCH', `/${id}`, { rotate: true }],
      ['GET', `/${id}/secret`],
      ['POST', `/${id}/test`],
      ['POST', '', { tenant_id: 'bakery', url: 'https://a.example/viewer' }],
    ] as const)
      expect(await ask(method, path, token, body)).toMatchObject({ status: 403, code });
  }
});

const WRONG: [object, string][] = [
  [{ url: 'hooks.example.com' }, '/url'],
  [{ url: 'ftp://hooks.example.com/' }, '/url'],
  [{ url: 'https://ana:pw@hooks.example.com/' }, '/url'],
  [{ url: `https://hooks.example.com/${'a'.repeat(2_000)}` }, '/url'],
  [{ url: `https://hooks.example.com/${'ü'.repeat(1_000)}` }, '/url'],
  [{ url: 7 }, '/url'],
  [{ tenant_id: 'a b' }, '/tenant_id'],
  [{ format: 'discord' }, '/format'],
  ...['', 7, 'a'.repeat(16_385), '{{', '{{ subject }}'].map((template): [object, string] => [
    { template },
    '/template',
  ]),
  [{ headers: [] }, '/headers'],
  ...[
    'Host',
    'webhook-id',
    'Webhook-Signature',
    'Transfer-Encoding',
    'content-length',
    'Connection',
    'a b',
    'a:',
    'ü',
    '',
  ].map((name): [object, string] => [{ headers: { [name]: 'x' } }, '/headers']),
  ...['', 'a\r\nb: c', 'a\nb', 'ü', ' a', 'x'.repeat(2_001), 7, null].map((value): [object, string] => [
    { headers: { 'x-a': value } },
    '/headers',
  ]),
  [{ headers: { 'x-a': '1', 'X-A': '2' } }, '/headers'],
  [{ headers: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, 'a'])) }, '/headers'],
];
test.each(WRONG.map(([wrong, pointer]) => [JSON.stringify(wrong).slice(0, 60), wrong, pointer] as const))(
  '%s is refused with a pointer',
  async (_shown, wrong, pointer) => {
    const body = { tenant_id: 'bakery', url: 'https://hooks.example.com/wrong', ...wrong };
    const refused = await ask('POST', '', ana(), body);
    expect([refused.status, refused.pointers]).toEqual([422, [pointer]]);
  },
);

test('other methods are refused with Allow', async () => {
  const id = await configure('https://a.example/methods');
  for (const [method, path, allow] of [
    ['DELETE', '', 'GET, HEAD, POST'],
    ['PUT', `/${id}`, 'GET, HEAD, PATCH'],
    ['POST', `/${id}/secret`, 'GET, HEAD'],
    ['GET', `/${id}/test`, 'POST'],
  ] as const) {
    const { status, headers } = await ask(method, path, ana());
    expect([status, headers.get('allow')]).toEqual([405, allow]);
  }
});
