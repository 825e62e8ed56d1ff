import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { AuthModule, authSettings, ClaimTenantDirectory, signToken, type Scope } from '@tocsin/auth';
import { hintOf, Unavailable, type Alert, type BulkActed } from '@tocsin/contracts';
import { readSettings } from '@tocsin/settings';
import {
  AccessChanges,
  AlertActs,
  AnnounceEntries,
  bind,
  EventBus,
  TenantDirectory,
  TicketStore,
  type ActReach,
  type ActResult,
  type AttemptedAct,
  type PublishedHint,
} from '@tocsin/contracts/ports';
import { aTenant, anEntry, MemoryAccessChanges } from '@tocsin/contracts/testing';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import { provideVisibleTenants, VisibleTenants } from '../access/visible-tenants';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { ProblemFilter } from '../problems/problem.filter';
import { ActOnAlerts } from './act-on-alerts';
import { AlertActsController } from './alert-acts.controller';

const SECRET = 'the-secret-of-these-tests-0123456789';
const settings = readSettings(authSettings, { JWT_SECRET: SECRET });
const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});

const tenant_id = aTenant('bakery');
const entry = anEntry({ tenant_id, seq: 2, change: 'acknowledged', status: 'acknowledged', actor: 'ana' });
const event = { tenant_id, epoch: 'e1', seq: 2, fp: 'abcdefgh', prev_fp: 'zyxwvuts', entry };
const alert = { ...entry, acted_at: '2026-01-02T03:04:06.000Z', last_seq: 2 } as unknown as Alert;

/** The calls that the store received, and its result for each alert. */
let asked: { reach: ActReach; alertIds: readonly string[]; act: AttemptedAct }[];
let says: (alertId: string) => ActResult;
let hints: PublishedHint[];
let busTrouble: Error | undefined;
let app: NestExpressApplication;
let base: string;

beforeAll(async () => {
  const adapters = {
    module: class Adapters {},
    providers: [
      { provide: AccessChanges, useValue: new MemoryAccessChanges() },
      { provide: TenantDirectory, useValue: new ClaimTenantDirectory('tenants') },
      { provide: TicketStore, useValue: { redeem: async () => true } },
      {
        provide: AlertActs,
        useValue: {
          act: async (reach: ActReach, alertIds: readonly string[], act: AttemptedAct) => (
            asked.push({ reach, alertIds, act }),
            alertIds.map((id) => says(id))
          ),
        },
      },
      {
        provide: EventBus,
        useValue: {
          publish: async (published: PublishedHint[]) =>
            void (busTrouble ? await Promise.reject(busTrouble) : hints.push(...published)),
        },
      },
    ],
    exports: [AccessChanges, TenantDirectory, TicketStore, AlertActs, EventBus],
  };
  @Module({
    imports: [adapters, observability, AuthModule.forRoot({ settings, adapters, observability })],
    controllers: [AlertActsController],
    providers: [
      provideRequestCheck(),
      bind(AnnounceEntries, AnnounceEntries, EventBus, Metrics, Log),
      bind(ActOnAlerts, ActOnAlerts, AlertActs, AnnounceEntries, VisibleTenants),
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
  base = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/api/v1/alerts`;
});
afterAll(() => app?.close());
beforeEach(() => {
  asked = [];
  hints = [];
  busTrouble = undefined;
  says = () => ({ outcome: 'acted', alert, event });
});

const tokenOf = (scopes: Scope[], tenants: unknown[] = ['bakery', { id: 'cafe', role: 'Viewer' }]) =>
  signToken(SECRET, { user_id: 'ana', expiresInSeconds: 60, scopes, claims: { tenants } });
const writer = () => tokenOf(['alerts:read', 'alerts:write']);

interface Said {
  code?: string;
  detail?: string;
  errors?: { pointer?: string; detail: string }[];
  [field: string]: unknown;
}
async function patch(
  path: string,
  body: unknown,
  token = writer(),
  type = 'application/json',
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${base}${path}`, {
    method: 'PATCH',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': type, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const json = (await response.json()) as Said;
  return { status: response.status, json, code: json.code, pointers: json.errors?.map(({ pointer }) => pointer) };
}
const one = (body: unknown) => patch(`/${alert.alert_id}`, body);
const act = async (body: unknown) => {
  expect(await one(body)).toMatchObject({ status: 200 });
  return asked.at(-1)!.act;
};

test('an act reaches the store with the tenants in which the user may act, and its entry reaches every gateway', async () => {
  expect(await one({ act: 'acknowledge', note: '  looking ' })).toMatchObject({ status: 200, json: alert });
  expect(asked).toEqual([
    {
      reach: { tenants: ['bakery', 'cafe'], acting: ['bakery'] },
      alertIds: [alert.alert_id],
      act: { act: 'acknowledge', by: 'ana', until: null, assignee: 'ana', note: 'looking', trace_id: null },
    },
  ]);
  expect(hints).toEqual([{ tenant_id, ...hintOf(event) }]);
});

test.each([
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
  ['00-00000000000000000000000000000000-b7ad6b7169203331-01', null],
  ['no trace', null],
])('the traceparent %s gives one act, and each of many, the trace id %s', async (traceparent, trace_id) => {
  await patch(`/${alert.alert_id}`, { act: 'resolve' }, writer(), 'application/json', { traceparent });
  await patch('', { act: 'resolve', alert_ids: [alert.alert_id] }, writer(), 'application/json', { traceparent });
  expect(asked.map((one) => one.act.trace_id)).toEqual([trace_id, trace_id]);
});

test('an act that changes nothing is answered and not announced again; an unavailable bus changes no response', async () => {
  says = () => ({ outcome: 'unchanged', alert });
  expect(await one({ act: 'acknowledge' })).toMatchObject({ status: 200, json: alert });
  expect(hints).toEqual([]);
  says = () => ({ outcome: 'acted', alert, event });
  busTrouble = new Unavailable('bus', 'the test says so');
  expect(await one({ act: 'acknowledge' })).toMatchObject({ status: 200, json: alert });
});

test('each act takes its own fields', async () => {
  const until = new Date(Date.now() + 86_400_000);
  expect(await act({ act: 'snooze', until: until.toISOString().replace('Z', '+00:00') })).toMatchObject({
    act: 'snooze',
    until: until.toISOString(),
  });
  expect(await act({ act: 'assign', assignee: 'me' })).toEqual({
    act: 'assign',
    by: 'ana',
    until: null,
    assignee: 'ana',
    note: null,
    trace_id: null,
  });
  expect(await act({ act: 'assign', assignee: null, from_assignee: 'Zoë K.' })).toMatchObject({
    assignee: null,
    from_assignee: 'Zoë K.',
  });
  expect(await act({ act: 'assign', assignee: 'bob', from_assignee: null })).toMatchObject({
    assignee: 'bob',
    from_assignee: null,
  });
  expect(await act({ act: 'note', note: 'two\nlines' })).toMatchObject({ act: 'note', note: 'two\nlines' });
  for (const plain of ['unacknowledge', 'resolve', 'reopen', 'unsnooze'])
    expect(await act({ act: plain })).toMatchObject({ act: plain, note: null });
});

test('a conflict says who acted first and when, and shows the alert', async () => {
  const conflict = (present: Partial<Alert>) =>
    (says = () => ({ outcome: 'conflict', alert: { ...alert, ...present } }));
  conflict({ status: 'resolved', actor: 'bob' });
  expect(await one({ act: 'acknowledge' })).toMatchObject({
    status: 409,
    code: 'alert_conflict',
    json: {
      detail: 'bob resolved this at 2026-01-02T03:04:06.000Z.',
      alert: { ...alert, status: 'resolved', actor: 'bob' },
    },
  });
  conflict({ status: 'resolved', actor: null, last_seen_at: '2026-01-02T09:00:00.000Z' });
  expect((await one({ act: 'snooze', until: new Date(Date.now() + 60_000).toISOString() })).json.detail).toBe(
    'Its producer resolved this at 2026-01-02T09:00:00.000Z.',
  );
  conflict({ status: 'firing', actor: null });
  expect((await one({ act: 'unacknowledge' })).json.detail).toBe('It is firing, and no user has acted on that.');
  conflict({ assignee: 'cleo' });
  expect((await one({ act: 'assign', assignee: 'me', from_assignee: null })).json.detail).toBe(
    'It is assigned to cleo.',
  );
  expect(hints).toEqual([]);
});

test('a caller without scope, role or tenant is told so; an alert that is missing or foreign is not found', async () => {
  expect(await patch(`/${alert.alert_id}`, { act: 'resolve' }, tokenOf(['alerts:read']))).toMatchObject({
    status: 403,
    code: 'insufficient_scope',
  });
  expect(await patch(`/${alert.alert_id}`, { act: 'resolve' }, tokenOf(['alerts:write'], []))).toMatchObject({
    status: 403,
    code: 'no_tenant',
  });
  expect(asked).toEqual([]);
  says = () => ({ outcome: 'forbidden' });
  expect(await one({ act: 'resolve' })).toMatchObject({ status: 403, code: 'role_forbidden' });
  says = () => ({ outcome: 'not_found' });
  expect(await one({ act: 'resolve' })).toMatchObject({ status: 404, code: 'not_found' });
  for (const id of ['1', 'null', `${alert.alert_id}0`, '%00', "'%20or%201=1"])
    expect(await patch(`/${id}`, { act: 'resolve' })).toMatchObject({ status: 404, code: 'not_found' });
});

test.each([
  [{}, 'invalid_field', '/act'],
  [{ act: 'delete' }, 'invalid_field', '/act'],
  [{ act: 'resolve', alert_ids: [] }, 'unknown_field', '/alert_ids'],
  [{ act: 'resolve', 'a/b~': 1 }, 'unknown_field', '/a~1b~0'],
  [{ act: 'snooze' }, 'invalid_field', '/until'],
  [{ act: 'snooze', until: 'tomorrow' }, 'invalid_field', '/until'],
  [{ act: 'snooze', until: 1_800_000_000 }, 'invalid_field', '/until'],
  [{ act: 'snooze', until: '2020-01-01T00:00:00Z' }, 'invalid_field', '/until'],
  [{ act: 'snooze', until: new Date(Date.now() + 31 * 86_400_000).toISOString() }, 'invalid_field', '/until'],
  [{ act: 'resolve', until: '2099-01-01T00:00:00Z' }, 'invalid_field', '/until'],
  [{ act: 'assign' }, 'invalid_field', '/assignee'],
  [{ act: 'assign', assignee: '' }, 'invalid_field', '/assignee'],
  [{ act: 'assign', assignee: ' ' }, 'invalid_field', '/assignee'],
  [{ act: 'assign', assignee: 'two\nlines' }, 'invalid_field', '/assignee'],
  [{ act: 'assign', assignee: 'x'.repeat(201) }, 'invalid_field', '/assignee'],
  [{ act: 'assign', assignee: 'bob', from_assignee: 7 }, 'invalid_field', '/from_assignee'],
  [{ act: 'note' }, 'invalid_field', '/note'],
  [{ act: 'resolve', note: ' ' }, 'invalid_field', '/note'],
  [{ act: 'resolve', note: 'x'.repeat(2_001) }, 'invalid_field', '/note'],
])('%j is refused with a pointer', async (body, code, pointer) => {
  expect(await one(body)).toMatchObject({ status: 422, code, pointers: [pointer] });
  expect(asked).toEqual([]);
});

test('a misspelling is answered with the nearest name', async () => {
  expect((await one({ act: 'acknowlege' })).json.detail).toMatch(/Did you mean "acknowledge"\?$/);
  expect((await one({ act: 'assign', asignee: 'me' })).json.errors![0]!.detail).toContain('Did you mean "assignee"?');
});

test.each([
  ['[]', 'application/json', 400, 'invalid_json'],
  ['{', 'application/json', 400, 'invalid_json'],
  ['{"act":"resolve"}', 'text/plain', 415, 'unsupported_media_type'],
  [`{"act":"note","note":"${'x'.repeat(17_000)}"}`, 'application/json', 413, 'body_too_large'],
  ['{"act":"note","note":"\\u0000"}', 'application/json', 422, 'control_characters'],
])('the body %.40s is refused', async (body, type, status, code) => {
  expect(await patch(`/${alert.alert_id}`, body, writer(), type)).toMatchObject({ status, code });
});

test('many alerts at once have an outcome each, in one call of the store', async () => {
  const ids = Array.from({ length: 4 }, () => randomUUID());
  const results: Record<string, ActResult> = {
    [ids[0]!]: { outcome: 'acted', alert: { ...alert, alert_id: ids[0]! }, event },
    [ids[1]!]: { outcome: 'conflict', alert: { ...alert, status: 'resolved', actor: 'bob' } },
    [ids[2]!]: { outcome: 'forbidden' },
  };
  says = (id) => results[id] ?? { outcome: 'not_found' };
  const { status, json } = await patch('', {
    act: 'acknowledge',
    alert_ids: [ids[3], ids[1], 'no id', ids[2], ids[0]!.toUpperCase(), ids[0]],
  });
  expect(status).toBe(200);
  const { alerts, refused } = json as unknown as BulkActed;
  expect(alerts.map(({ alert_id }) => alert_id)).toEqual([ids[0]]);
  expect(refused).toEqual([
    { alert_id: ids[3], code: 'not_found', detail: 'There is no such alert.' },
    { alert_id: ids[1], code: 'alert_conflict', detail: 'bob resolved this at 2026-01-02T03:04:06.000Z.' },
    { alert_id: 'no id', code: 'not_found', detail: 'There is no such alert.' },
    { alert_id: ids[2], code: 'role_forbidden', detail: 'The role of the user in this tenant allows only reading.' },
  ]);
  expect(asked.map(({ alertIds }) => alertIds)).toEqual([[ids[3], ids[1], ids[2], ids[0]]]);
  expect(hints).toHaveLength(1);
});

test.each([
  [{ act: 'resolve' }, 422, 'invalid_field', '/alert_ids'],
  [{ act: 'resolve', alert_ids: 'all' }, 422, 'invalid_field', '/alert_ids'],
  [{ act: 'resolve', alert_ids: [] }, 422, 'empty_batch', '/alert_ids'],
  [{ act: 'resolve', alert_ids: ['x', 7] }, 422, 'invalid_field', '/alert_ids/1'],
  [
    { act: 'resolve', alert_ids: Array.from({ length: 201 }, () => randomUUID()) },
    413,
    'batch_too_large',
    '/alert_ids',
  ],
])('an invalid list is refused as a whole: %.60j', async (body, status, code, pointer) => {
  expect(await patch('', body)).toMatchObject({ status, code, pointers: [pointer] });
  expect(asked).toEqual([]);
});
