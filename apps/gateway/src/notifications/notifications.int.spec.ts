import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { AuthModule, authSettings, ClaimTenantDirectory, signToken, type Scope } from '@tocsin/auth';
import {
  AccessChanges,
  AlertQueries,
  bind,
  Deliveries,
  Notifications,
  RecipientBook,
  TenantDirectory,
  TicketStore,
} from '@tocsin/contracts/ports';
import { aPlannedEvent, aTenant, MemoryAccessChanges, startAll, type PlayedQueue } from '@tocsin/contracts/testing';
import type { CancelledNotification, Delivery, Notification, NotificationDetail } from '@tocsin/contracts';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import {
  Database,
  PostgresAlertQueries,
  PostgresDeliveries,
  PostgresEventLog,
  PostgresNotifications,
  PostgresRecipientBook,
} from '@tocsin/postgres';
import { freshDatabase, playedQueue, type FreshDatabase } from '@tocsin/postgres/testing';
import { readSettings } from '@tocsin/settings';
import { provideVisibleTenants, VisibleTenants } from '../access/visible-tenants';
import { AlertDeliveriesController } from '../deliveries/alert-deliveries.controller';
import { DeliveriesController } from '../deliveries/deliveries.controller';
import { KeepDeliveries } from '../deliveries/keep-deliveries';
import { prepareHttp } from '../http-server';
import { ProblemFilter } from '../problems/problem.filter';
import { RecipientsController } from '../recipients/recipients.controller';
import { KeepNotifications } from './keep-notifications';
import { NotificationsController } from './notifications.controller';

// The routes of notifications, deliveries and recipients, on a real database.

const SECRET = 'the-secret-of-these-tests-0123456789';
const settings = readSettings(authSettings, { JWT_SECRET: SECRET });
const observability = ObservabilityModule.forRoot({
  app: 'test',
  version: '1',
  settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
});

let fresh: FreshDatabase;
let gateway: Database;
let processor: Database;
let notifier: Database;
let queue: PlayedQueue;
let access: MemoryAccessChanges;
let app: NestExpressApplication;
let base: string;
let rings = 0;
let tenant: string;

beforeAll(async () => {
  fresh = await freshDatabase();
  const connection = { url: fresh.url };
  gateway = new Database({ connection, role: 'tocsin_gateway' });
  processor = new Database({ connection, role: 'tocsin_processor' });
  notifier = new Database({ connection, role: 'tocsin_notifier' });
  queue = playedQueue(() => connection);
  access = new MemoryAccessChanges();
  const doorbell = { ring: async () => void (rings += 1) };
  const adapters = {
    module: class Adapters {},
    providers: [
      { provide: AccessChanges, useValue: access },
      { provide: TenantDirectory, useValue: new ClaimTenantDirectory('tenants') },
      { provide: TicketStore, useValue: { redeem: async () => true } },
      { provide: Notifications, useValue: new PostgresNotifications(gateway) },
      { provide: Deliveries, useValue: new PostgresDeliveries(gateway) },
      { provide: RecipientBook, useValue: new PostgresRecipientBook(gateway) },
      { provide: AlertQueries, useValue: new PostgresAlertQueries(gateway) },
    ],
    exports: [AccessChanges, TenantDirectory, TicketStore, Notifications, Deliveries, RecipientBook, AlertQueries],
  };
  @Module({
    imports: [adapters, observability, AuthModule.forRoot({ settings, adapters, observability })],
    controllers: [NotificationsController, DeliveriesController, AlertDeliveriesController, RecipientsController],
    providers: [
      {
        provide: KeepNotifications,
        useFactory: (notifications: Notifications, deliveries: Deliveries, tenants: VisibleTenants) =>
          new KeepNotifications(notifications, deliveries, tenants, doorbell),
        inject: [Notifications, Deliveries, VisibleTenants],
      },
      {
        provide: KeepDeliveries,
        useFactory: (deliveries: Deliveries, alerts: AlertQueries, tenants: VisibleTenants) =>
          new KeepDeliveries(deliveries, alerts, tenants, doorbell),
        inject: [Deliveries, AlertQueries, VisibleTenants],
      },
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
  base = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/api/v1`;
}, 60_000);
afterAll(async () => {
  await app?.close();
  await Promise.all([gateway?.close(), processor?.close(), notifier?.close()]);
  await fresh?.drop();
});
beforeEach(() => {
  tenant = aTenant();
  rings = 0;
});

interface Answer<T> {
  status: number;
  body: T & { code: string; detail: string; errors: { pointer?: string; parameter?: string; code: string }[] };
  headers: Headers;
}
const token = (user_id: string, scopes: Scope[], tenants?: unknown[]) =>
  signToken(SECRET, { user_id, expiresInSeconds: 60, scopes, claims: tenants ? { tenants } : {} });
const ana = () => token('ana', ['alerts:read', 'alerts:write'], [{ id: tenant, role: 'owner' }, 'other']);
const viewer = () => token('vic', ['alerts:read', 'alerts:write'], [{ id: tenant, role: 'Viewer' }]);
const eve = () => token('eve', ['alerts:read', 'alerts:write'], ['diner']);
const orders = () => token('orders', ['events:publish']);
const operator = () => token('ops', ['dead_letters:operate']);

async function ask<T = object>(
  method: string,
  path: string,
  by: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${by}`,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer<T>['body'], headers: response.headers };
}
const body = (more: object = {}) => ({
  tenant_id: tenant,
  title: 'Your order is on its way',
  recipients: ['ana@example.com'],
  channels: ['email'],
  ...more,
});
const create = (more: object = {}, by = orders(), headers: Record<string, string> = {}) =>
  ask<Notification>('POST', '/notifications', by, body(more), headers);
const start = () => startAll(new PostgresNotifications(notifier));
const deliveriesOf = async (id: string) =>
  (await ask<NotificationDetail>('GET', `/notifications/${id}`, ana())).body.deliveries;
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

describe('a notification', () => {
  test('is stored before the answer, rings the notifiers, and is shown with its deliveries', async () => {
    const { status, body: made, headers } = await create({ message: ' soon ', severity: 'high' });
    expect([status, headers.get('location'), rings]).toEqual([201, `/api/v1/notifications/${made.notification_id}`, 1]);
    expect(made).toMatchObject({
      status: 'scheduled',
      message: 'soon',
      severity: 'high',
      created_by: 'orders',
      asked_for: null,
    });
    await start();
    const shown = await ask<NotificationDetail>('GET', `/notifications/${made.notification_id}`, orders());
    expect(shown.body).toMatchObject({
      status: 'started',
      deliveries: [{ channel: 'email', status: 'pending', attempts: [] }],
    });
  });

  test('for later does not ring the notifiers, and keeps the local time that was asked for', async () => {
    const year = new Date().getUTCFullYear() + 1;
    const local = { date: `${year}-07-01`, time: '09:00', time_zone: 'Europe/Berlin' };
    const { body: made } = await create({ local });
    expect(made).toMatchObject({
      due_at: `${year}-07-01T07:00:00.000Z`,
      asked_for: { local, tz: process.versions.tz },
    });
    const before = { date: `${year}-07-04`, days: 3, time: '09:00', time_zone: 'Europe/Berlin' };
    expect((await create({ before })).body.due_at).toBe(made.due_at);
    expect((await create({ at: `${year}-07-01T09:00:00+02:00` })).body.due_at).toBe(made.due_at);
    expect(rings).toBe(0);
  });

  test('is stored once for one key, in any order of the fields of the body', async () => {
    const key = { 'Idempotency-Key': 'order-4711' };
    const first = await create({ severity: 'low' }, orders(), key);
    const { title, ...rest } = body({ severity: 'low' });
    const again = await ask<Notification>('POST', '/notifications', orders(), { ...rest, title }, key);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(await create({ severity: 'high' }, orders(), key)).toMatchObject({
      status: 409,
      body: { code: 'idempotency_conflict' },
    });
    expect((await create({ severity: 'high' }, token('billing', ['events:publish']), key)).status).toBe(201);
    expect(await create({}, orders(), { 'Idempotency-Key': 'a b' })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
    expect(rings).toBe(2);
  });

  test.each([
    [{ recipients: Array.from({ length: 101 }, (_, at) => `${at}@example.com`) }, 'too_many_recipients', '/recipients'],
    [{ recipients: ['ana@example.com', 'ana'] }, 'invalid_recipient', '/recipients/1'],
    [{ recipients: ['ana@example.com'], channels: ['sms'] }, 'invalid_recipient', '/recipients/0'],
    [{ recipients: [] }, 'empty_batch', '/recipients'],
    [{ channels: [] }, 'empty_batch', '/channels'],
    [{ channels: ['fax'] }, 'invalid_field', '/channels'],
    [{ title: 'one\r\nBcc: eve@example.com' }, 'invalid_field', '/title'],
    [{ title: ' ' }, 'invalid_field', '/title'],
    [{ at: '2001-01-01T00:00:00Z' }, 'time_in_past', '/at'],
    [{ at: '2999-01-01T00:00:00Z' }, 'time_too_far', '/at'],
    [{ at: '2999-01-01T00:00:00' }, 'invalid_field', '/at'],
    [
      { local: { date: '2027-03-28', time: '02:30', time_zone: 'Europe/Berlin' } },
      'time_does_not_exist',
      '/local/time',
    ],
    [
      { local: { date: '2027-03-28', time: '02:30', time_zone: 'Mars/Olympus' } },
      'unknown_time_zone',
      '/local/time_zone',
    ],
    [{ local: { date: '2027-03-28', time: '02:30', time_zone: 'CET' } }, 'ambiguous_time_zone', '/local/time_zone'],
    [{ local: { date: '2027-03-28', time: '25:30', time_zone: 'UTC' } }, 'invalid_field', '/local/time'],
    [{ local: { date: '2027-03-28', time: '02:30', zone: 'UTC' } }, 'unknown_field', '/local/zone'],
    [{ local: [] }, 'invalid_field', '/local'],
    [{ local: null }, 'invalid_field', '/local'],
    [{ before: { date: '2027-03-28', time: '02:30', time_zone: 'UTC', days: 731 } }, 'invalid_field', '/before/days'],
    [{ at: '2027-01-01T00:00:00Z', digest: { key: 'k', every_seconds: 60 } }, 'invalid_field', '/at'],
    [{ digest: { key: 'k', every_seconds: 1 } }, 'invalid_field', '/digest/every_seconds'],
  ])('%j is refused with its own code and a pointer', async (more, code, pointer) => {
    const { status, body: problem } = await create(more);
    expect([status, problem.code, problem.errors[0]!.pointer]).toEqual([422, code, pointer]);
  });

  test.each(['title', 'message'])('whose %s the database cannot keep is refused, with one code', async (field) => {
    for (const text of ['a\0b', 'a\ud800b'])
      expect(await create({ [field]: text })).toMatchObject({ status: 422, body: { code: 'control_characters' } });
  });

  test('of a digest gathers what one sender has said, so that no service reads or cancels what another one asks for', async () => {
    const digest = { key: 'orders', every_seconds: 60 };
    const [one, two] = [await create({ digest }), await create({ digest }, token('billing', ['events:publish']))];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(one.body.digest_id).not.toBe(two.body.digest_id);
    const billing = token('billing', ['events:publish']);
    expect((await ask('GET', `/notifications/${one.body.digest_id}`, billing)).status).toBe(404);
    expect((await ask('DELETE', `/notifications/${one.body.digest_id}`, billing)).status).toBe(404);
    expect((await ask<Notification>('GET', `/notifications/${two.body.digest_id}`, billing)).body.digest_of).toBe(1);
  });

  test('is accepted only from a service, or from a user who may act', async () => {
    expect((await create({}, ana())).body).toMatchObject({ created_by: 'ana' });
    expect(await create({}, viewer())).toMatchObject({ status: 403, body: { code: 'role_forbidden' } });
    expect(await create({}, eve())).toMatchObject({
      status: 403,
      body: { code: 'tenant_forbidden', errors: [{ pointer: '/tenant_id' }] },
    });
    expect(await create({}, token('ana', ['alerts:read'], [tenant]))).toMatchObject({
      status: 403,
      body: { code: 'insufficient_scope' },
    });
    expect(await create({}, token('orders', ['events:publish'], ['diner']))).toMatchObject({
      status: 403,
      body: { code: 'tenant_forbidden' },
    });
  });

  test('is visible to its sender and to the users of its tenant, and not found for others', async () => {
    const { notification_id } = (await create({ at: inAnHour() })).body;
    const path = `/notifications/${notification_id}`;
    for (const by of [orders(), ana(), viewer()]) expect((await ask('GET', path, by)).status).toBe(200);
    for (const by of [eve(), token('billing', ['events:publish']), token('orders', ['events:publish'], ['diner'])])
      for (const method of ['GET', 'DELETE'])
        expect(await ask(method, path, by)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await ask('DELETE', path, viewer())).toMatchObject({ status: 403, body: { code: 'role_forbidden' } });
    for (const id of ['x', '00000000-0000-0000-0000-000000000000'])
      expect((await ask('GET', `/notifications/${id}`, ana())).status).toBe(404);
  });

  test('that is cancelled before its time is never sent; afterwards what was sent is counted', async () => {
    const later = (await create({ at: inAnHour() })).body.notification_id;
    const cancelled = await ask<CancelledNotification>('DELETE', `/notifications/${later}`, orders());
    expect(cancelled).toMatchObject({
      status: 200,
      body: { status: 'cancelled', ended_by: 'orders', counts: { cancelled: 0, sent: 0, under_way: 0, other: 0 } },
    });
    await queue.pass(aTenant(tenant), 7_200_000);
    await start();
    expect(await deliveriesOf(later)).toEqual([]);

    const recipients = ['a@example.com', 'b@example.com', 'c@example.com', 'd@example.com'];
    const now = (await create({ recipients })).body.notification_id;
    await start();
    const [a, b] = await deliveriesOf(now);
    await queue.begin(a!.delivery_id);
    await queue.settle(a!.delivery_id, 'sent', null);
    await queue.begin(b!.delivery_id);
    for (let time = 0; time < 2; time += 1)
      expect((await ask<CancelledNotification>('DELETE', `/notifications/${now}`, ana())).body).toMatchObject({
        status: 'cancelled',
        counts: { cancelled: 2, sent: 1, under_way: 1, other: 0 },
      });
  });

  test('lists go on page by page; a service sees its own', async () => {
    const made = [];
    for (let at = 0; at < 5; at += 1)
      made.push((await create({ at: inAnHour() }, at === 2 ? ana() : orders())).body.notification_id);
    const seen: string[] = [];
    let after = '';
    do {
      const page = (
        await ask<{ notifications: Notification[]; next: string | null }>(
          'GET',
          `/notifications?tenant=${tenant}&limit=2${after}`,
          ana(),
        )
      ).body;
      seen.push(...page.notifications.map(({ notification_id }) => notification_id));
      after = page.next === null ? '' : `&after=${page.next}`;
    } while (after);
    expect([...seen].sort()).toEqual([...made].sort());
    const own = await ask<{ notifications: Notification[] }>(
      'GET',
      `/notifications?tenant=${tenant}&status=scheduled`,
      orders(),
    );
    expect(own.body.notifications.map(({ created_by }) => created_by)).toEqual([
      'orders',
      'orders',
      'orders',
      'orders',
    ]);
    expect((await ask<{ notifications: [] }>('GET', `/notifications?status=done`, ana())).body.notifications).toEqual(
      [],
    );
    expect(await ask('GET', `/notifications?tenant=${tenant}`, eve())).toMatchObject({
      status: 403,
      body: { code: 'tenant_forbidden' },
    });
    expect(await ask('GET', `/notifications`, orders())).toMatchObject({
      status: 403,
      body: { code: 'insufficient_scope' },
    });
    expect(await ask('GET', `/notifications?after=x`, ana())).toMatchObject({
      status: 400,
      body: { code: 'invalid_cursor' },
    });
    expect(await ask('PUT', `/notifications`, ana())).toMatchObject({ status: 405 });
  });

  test('of a digest is sent with the others, in one message with their number', async () => {
    const digest = { key: 'orders', every_seconds: 600 };
    const first = (await create({ title: 'one', digest })).body;
    const second = (await create({ title: 'two', digest, recipients: ['ana@example.com'] })).body;
    const elsewhere = (await create({ title: 'three', digest, recipients: ['ben@example.com'] })).body;
    expect([first.status, second.digest_id === first.digest_id, elsewhere.digest_id === first.digest_id]).toEqual([
      'gathered',
      true,
      false,
    ]);
    await queue.pass(aTenant(tenant), 600_000);
    await start();
    const told = await ask<NotificationDetail>('GET', `/notifications/${first.digest_id}`, ana());
    expect(told.body).toMatchObject({ title: 'two', message: 'two\none', digest_of: 2, status: 'started' });
    expect(told.body.deliveries).toHaveLength(1);
  });
});

describe('deliveries', () => {
  const dead = async (status: Delivery['status'], count = 1): Promise<Delivery[]> => {
    await queue.plan(aTenant(tenant), count);
    const { body: page } = await ask<{ deliveries: Delivery[] }>(
      'GET',
      `/deliveries?tenant=${tenant}&status=pending`,
      ana(),
    );
    for (const { delivery_id } of page.deliveries) {
      await queue.begin(delivery_id);
      await queue.settle(delivery_id, status, status === 'unknown' ? 'worker_lost' : 'rejected');
    }
    return page.deliveries;
  };

  test('of an alert are shown beside it, and nowhere else', async () => {
    const [stored] = await new PostgresEventLog(processor).append([
      aPlannedEvent(
        { tenant_id: aTenant(tenant), dedup_key: 'k' },
        { deliveries: [{ channel: 'email', recipient: 'ana@example.com' }] },
      ),
    ]);
    const id = stored!.outcome === 'stored' ? stored!.event.entry.alert_id : '';
    const shown = await ask<{ deliveries: Delivery[] }>('GET', `/alerts/${id}/deliveries`, viewer());
    expect(shown.body.deliveries).toMatchObject([
      { alert_id: id, seq: 1, recipient: 'ana@example.com', status: 'pending' },
    ]);
    for (const path of [`/alerts/${id}/deliveries`, '/alerts/x/deliveries'])
      expect(await ask('GET', path, eve())).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await ask('POST', `/alerts/${id}/deliveries`, ana())).headers.get('allow')).toBe('GET, HEAD');
  });

  test('that failed are redriven one by one, and those that may have been sent only with may_repeat', async () => {
    const [failed] = await dead('failed');
    const path = `/deliveries/${failed!.delivery_id}`;
    expect(await ask('POST', `${path}/redrive`, viewer())).toMatchObject({
      status: 403,
      body: { code: 'role_forbidden' },
    });
    expect(await ask('POST', `${path}/redrive`, eve())).toMatchObject({ status: 404 });
    expect(await ask<Delivery>('POST', `${path}/redrive`, ana(), {})).toMatchObject({
      status: 200,
      body: { status: 'pending', attempts: [{ outcome: 'failed' }] },
    });
    expect(rings).toBe(1);
    expect((await ask('POST', `${path}/redrive`, ana())).status).toBe(200);
    expect(rings).toBe(1);
    await queue.begin(failed!.delivery_id);
    await queue.settle(failed!.delivery_id, 'sent', null);
    expect(await ask('POST', `${path}/redrive`, ana())).toMatchObject({
      status: 409,
      body: { code: 'delivery_conflict' },
    });

    const [unknown] = await dead('unknown');
    const other = `/deliveries/${unknown!.delivery_id}`;
    expect(await ask('POST', `${other}/redrive`, ana(), {})).toMatchObject({
      status: 409,
      body: { code: 'delivery_conflict' },
    });
    expect(await ask('GET', other, viewer())).toMatchObject({ body: { status: 'unknown', reason: 'worker_lost' } });
    expect(await ask('POST', `${other}/redrive`, ana(), { may_repeat: true })).toMatchObject({ status: 200 });
  });

  test('are redriven together, page by page, each of them once', async () => {
    await dead('failed', 5);
    await dead('expired', 2);
    const redrive = (more: object = {}, by = ana()) =>
      ask<{ redriven: number; next: string | null }>('POST', '/deliveries/redrive', by, {
        tenant,
        status: 'failed',
        ...more,
      });
    expect(await redrive({}, viewer())).toMatchObject({ status: 403, body: { code: 'role_forbidden' } });
    expect(await redrive({}, eve())).toMatchObject({ status: 403, body: { code: 'tenant_forbidden' } });
    expect(await redrive({ status: 'unknown' })).toMatchObject({ status: 409, body: { code: 'delivery_conflict' } });
    expect(await redrive({ status: 'sent' })).toMatchObject({ status: 422 });
    expect((await redrive({ channel: 'sms' })).body.redriven).toBe(0);
    expect((await redrive({ since: inAnHour() })).body.redriven).toBe(0);
    let redriven = 0;
    let after: string | null = null;
    do {
      const page: Answer<{ redriven: number; next: string | null }> = await redrive(
        { limit: 2, ...(after && { after }) },
        operator(),
      );
      redriven += page.body.redriven;
      after = page.body.next;
    } while (after);
    expect(redriven).toBe(5);
    const left = await ask<{ deliveries: Delivery[] }>(
      'GET',
      `/deliveries?tenant=${tenant}&status=failed,expired`,
      operator(),
    );
    expect(left.body.deliveries.map(({ status }) => status)).toEqual(['expired', 'expired']);
  });

  test('that wait are cancelled; one that is under way is not', async () => {
    await queue.plan(aTenant(tenant), 2);
    const list = (await ask<{ deliveries: Delivery[] }>('GET', `/deliveries?tenant=${tenant}`, ana())).body.deliveries;
    const [begun, waiting] = list.map(({ delivery_id }) => `/deliveries/${delivery_id}`);
    await queue.begin(list[0]!.delivery_id);
    expect(await ask('DELETE', waiting!, viewer())).toMatchObject({ status: 403, body: { code: 'role_forbidden' } });
    expect(await ask('DELETE', waiting!, eve())).toMatchObject({ status: 404 });
    for (let time = 0; time < 2; time += 1)
      expect(await ask('DELETE', waiting!, ana())).toMatchObject({
        status: 200,
        body: { status: 'cancelled', reason: 'by_request' },
      });
    expect(await ask('DELETE', begun!, ana())).toMatchObject({ status: 409, body: { code: 'delivery_conflict' } });
    expect(await ask('DELETE', '/deliveries/x', ana())).toMatchObject({ status: 404 });
    expect(await ask('DELETE', waiting!, operator())).toMatchObject({
      status: 403,
      body: { code: 'insufficient_scope' },
    });
  });

  test('are listed of one tenant that the caller sees; the tenant is named', async () => {
    expect(await ask('GET', '/deliveries', ana())).toMatchObject({
      status: 400,
      body: { errors: [{ parameter: 'tenant' }] },
    });
    expect(await ask('GET', `/deliveries?tenant=${tenant}`, eve())).toMatchObject({
      status: 403,
      body: { code: 'tenant_forbidden' },
    });
    expect(await ask('GET', `/deliveries?tenant=${tenant}&status=lost`, ana())).toMatchObject({
      status: 400,
      body: { errors: [{ parameter: 'status' }] },
    });
  });
});

describe('recipients', () => {
  const path = () => `/recipients?tenant=${tenant}`;
  const put = (recipients: unknown, by = ana(), headers: Record<string, string> = {}) =>
    ask('PUT', path(), by, { recipients }, headers);

  test('are read by all users of the tenant and replaced as a whole by those who may act', async () => {
    const recipients = { urgent: { email: ['ana@example.com'], sms: ['+4915112345678'] }, low: { push: ['user:ana'] } };
    expect(await put(recipients)).toMatchObject({ status: 200, body: { tenant_id: tenant, recipients } });
    expect((await ask('GET', path(), viewer())).body).toEqual({ tenant_id: tenant, recipients });
    expect(await put({}, viewer())).toMatchObject({ status: 403, body: { code: 'role_forbidden' } });
    for (const method of ['GET', 'PUT'])
      expect(await ask(method, path(), eve(), method === 'PUT' ? { recipients: {} } : undefined)).toMatchObject({
        status: 403,
        body: { code: 'tenant_forbidden' },
      });
    expect(await put({})).toMatchObject({ status: 200, body: { recipients: {} } });
  });

  test('that were replaced meanwhile are not overwritten', async () => {
    const read = (await ask('GET', path(), ana())).headers.get('etag')!;
    const first = await put({ high: { email: ['a@example.com'] } }, ana(), { 'If-Match': read });
    expect(first.status).toBe(200);
    expect(await put({}, ana(), { 'If-Match': read })).toMatchObject({
      status: 412,
      body: { code: 'changed_meanwhile' },
    });
    expect(await put({}, ana(), { 'If-Match': 'W/"x"' })).toMatchObject({ status: 412 });
    expect((await put({}, ana(), { 'If-Match': first.headers.get('etag')! })).status).toBe(200);
    expect((await put({}, ana(), { 'If-Match': '*' })).status).toBe(200);
  });

  test.each([
    [{ urgent: { email: ['ana@example.com', 'ana'] } }, 'invalid_recipient', '/recipients/urgent/email/1'],
    [{ urgent: { sms: ['015112345678'] } }, 'invalid_recipient', '/recipients/urgent/sms/0'],
    [{ critical: {} }, 'invalid_field', '/recipients'],
    [{ low: { fax: [] } }, 'invalid_field', '/recipients'],
    [{ low: { email: 'a@example.com' } }, 'invalid_field', '/recipients'],
    [[], 'invalid_field', '/recipients'],
    [undefined, 'invalid_field', '/recipients'],
  ])('%j are refused with a pointer', async (recipients, code, pointer) => {
    const { status, body: problem } = await put(recipients);
    expect([status, problem.code, problem.errors[0]!.pointer]).toEqual([422, code, pointer]);
  });
});
