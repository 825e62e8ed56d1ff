import { randomUUID } from 'node:crypto';
import type { Deliveries, NewNotification, Notifications } from '../ports';
import type { TenantId } from '../tenant';
import type { DeliveryReason, DeliveryStatus, Notification } from '../wire';
import { aTenant } from './an-alert';

/** A notifier's part in a test: attempts begin and end as the test says. */
export interface PlayedQueue {
  /** An attempt of the delivery begins. */
  begin(deliveryId: string): Promise<void>;
  /** The delivery gets its final status. */
  settle(deliveryId: string, status: DeliveryStatus, reason: DeliveryReason | null): Promise<void>;
  /** Makes what a tenant has scheduled due so many milliseconds earlier. */
  pass(tenant: TenantId, ms: number): Promise<void>;
  /** Makes all notifications and deliveries of a tenant so many milliseconds older. */
  age(tenant: TenantId, ms: number): Promise<void>;
  /** Makes deliveries that wait, each a millisecond later than the one before. */
  plan(tenant: TenantId, count: number): Promise<void>;
}

interface OpenNotifications {
  notifications: Notifications;
  /** The same store with the rights of a notifier. */
  starting: Notifications;
  deliveries: Deliveries;
  queue: PlayedQueue;
  close(): Promise<void>;
}

/** A notification for now, to one mailbox. */
export const aNotification = (
  tenant_id: TenantId,
  overrides: Partial<Omit<NewNotification, 'tenant_id'>> = {},
): NewNotification => ({
  tenant_id,
  title: 'The order is on its way',
  message: 'It arrives on Friday.',
  severity: 'medium',
  channels: ['email'],
  recipients: ['ana@example.com'],
  deliveries: [{ channel: 'email', recipient: 'ana@example.com' }],
  due_at: null,
  asked_for: null,
  digest: null,
  idempotency: null,
  created_by: 'orders',
  ...overrides,
});

/** Starts everything that is due. Returns how many notifications. */
export async function startAll(notifications: Notifications): Promise<number> {
  let all = 0;
  for (let behind: string | null = ''; behind !== null;) {
    const step = await notifications.start(behind);
    all += step.started;
    if (!step.left_over) behind = step.next;
  }
  return all;
}

const HOUR = 3_600_000;
const ahead = (ms = HOUR) => new Date(Date.now() + ms).toISOString();

/**
 * What every `Notifications` does without a fault. `open` is called once, so tests use tenants of their own.
 */
export function describeNotifications(name: string, { open }: { open(): Promise<OpenNotifications> }): void {
  describe(`${name} as the store of notifications`, () => {
    let opened: OpenNotifications;
    let tenant: TenantId;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());
    beforeEach(() => (tenant = aTenant()));

    const create = async (overrides: Parameters<typeof aNotification>[1] = {}): Promise<Notification> => {
      const created = await opened.notifications.create(aNotification(tenant, overrides));
      if (created.outcome === 'conflict') throw new Error('conflict');
      return created.notification;
    };
    const find = (id: string) => opened.notifications.find([tenant], id);
    const made = (id: string) => opened.deliveries.ofNotification([tenant], id);
    const finish = async () => {
      for (let at = await opened.starting.finish(null); at;) at = await opened.starting.finish(at);
    };

    it('keeps what was asked for, and makes no delivery of it before its time', async () => {
      const due_at = ahead();
      const asked_for = { local: { date: '2026-12-01', time: '09:00', time_zone: 'Europe/Berlin' }, tz: '2025c' };
      const created = await create({ due_at, asked_for });
      expect(created).toEqual({
        notification_id: expect.any(String) as string,
        tenant_id: tenant,
        title: 'The order is on its way',
        message: 'It arrives on Friday.',
        severity: 'medium',
        status: 'scheduled',
        channels: ['email'],
        recipients: ['ana@example.com'],
        due_at,
        asked_for,
        digest: null,
        digest_of: null,
        digest_id: null,
        created_at: expect.any(String) as string,
        created_by: 'orders',
        started_at: null,
        ended_at: null,
        ended_by: null,
      });
      await startAll(opened.starting);
      expect(await find(created.notification_id)).toEqual(created);
      expect(await made(created.notification_id)).toEqual([]);
    });

    it('starts what is due once, however many start at the same time, and ends it when all is settled', async () => {
      const { notification_id, due_at } = await create({
        deliveries: [
          { channel: 'email', recipient: 'ana@example.com' },
          { channel: 'sms', recipient: '+4915112345678' },
        ],
      });
      await Promise.all(Array.from({ length: 4 }, () => startAll(opened.starting)));
      const pending = await made(notification_id);
      expect(
        pending.map(({ channel, recipient, status, created_at, attempts }) => [
          channel,
          recipient,
          status,
          created_at,
          attempts,
        ]),
      ).toEqual([
        ['email', 'ana@example.com', 'pending', due_at, []],
        ['sms', '+4915112345678', 'pending', due_at, []],
      ]);
      await finish();
      expect(await find(notification_id)).toMatchObject({ status: 'started', ended_at: null });
      for (const { delivery_id } of pending) {
        await opened.queue.begin(delivery_id);
        await opened.queue.settle(delivery_id, 'sent', null);
      }
      await finish();
      expect(await find(notification_id)).toMatchObject({
        status: 'done',
        ended_at: expect.any(String) as string,
        ended_by: null,
      });
    });

    it('is asked once under one key, however often and at the same time', async () => {
      const ask = (body_hash: string, overrides = {}) =>
        opened.notifications.create(aNotification(tenant, { idempotency: { key: 'k', body_hash }, ...overrides }));
      const answers = await Promise.all(Array.from({ length: 6 }, () => ask('one')));
      const outcomes = answers.map(({ outcome }) => outcome).sort();
      expect(outcomes).toEqual(['created', ...Array.from({ length: 5 }, () => 'repeated')]);
      const ids = answers.map((answer) => answer.outcome !== 'conflict' && answer.notification.notification_id);
      expect(new Set(ids).size).toBe(1);
      expect(await ask('another')).toEqual({ outcome: 'conflict' });
      expect(await opened.notifications.ofKey(tenant, 'orders', 'k')).toMatchObject({
        body_hash: 'one',
        notification: { notification_id: ids[0] },
      });
      expect(await opened.notifications.ofKey(tenant, 'billing', 'k')).toBeUndefined();
      expect((await ask('another', { created_by: 'billing' })).outcome).toBe('created');
    });

    it('lists the newest first, page by page, of one status and one sender', async () => {
      const all = [];
      for (let at = 0; at < 5; at += 1)
        all.unshift(
          await create({
            title: at % 2 ? 'now' : 'later',
            due_at: at % 2 ? null : ahead(),
            created_by: at === 4 ? 'billing' : 'orders',
          }),
        );
      // those of the same millisecond stand in the order of their ids
      const key = ({ created_at, notification_id }: Notification) => created_at + notification_id;
      all.sort((a, b) => (key(a) < key(b) ? 1 : -1));
      await startAll(opened.starting);
      const list = (query: object = {}) =>
        opened.notifications.list([tenant, aTenant()], {
          status: null,
          created_by: null,
          behind: null,
          limit: 200,
          ...query,
        });
      const ids = (some: readonly Notification[]) => some.map(({ notification_id }) => notification_id);
      expect(ids(await list())).toEqual(ids(all));
      const [first, second] = await list({ limit: 2 });
      expect(ids([first!, second!])).toEqual(ids(all.slice(0, 2)));
      const behind = { created_at: second!.created_at, id: second!.notification_id };
      expect(ids(await list({ behind }))).toEqual(ids(all.slice(2)));
      expect(ids(await list({ status: 'started' }))).toEqual(ids(all.filter(({ title }) => title === 'now')));
      expect(ids(await list({ created_by: 'billing' }))).toEqual(
        ids(all.filter(({ created_by }) => created_by === 'billing')),
      );
    });

    it('of another tenant is not found, not listed and not cancelled; its sender finds its tenant', async () => {
      const { notification_id } = await create({ due_at: ahead() });
      const other = [aTenant()];
      expect(await opened.notifications.find(other, notification_id)).toBeUndefined();
      expect(await opened.notifications.cancel(other, notification_id, 'mallory')).toBeUndefined();
      expect(await opened.deliveries.ofNotification(other, notification_id)).toEqual([]);
      expect(await opened.notifications.tenantOf(notification_id, 'orders')).toBe(tenant);
      expect(await opened.notifications.tenantOf(notification_id, 'billing')).toBeUndefined();
      expect(await opened.notifications.tenantOf(randomUUID(), 'orders')).toBeUndefined();
      expect(await find(notification_id)).toMatchObject({ status: 'scheduled' });
    });

    it('that is cancelled before its time is never sent, and a second cancellation changes nothing', async () => {
      const { notification_id } = await create({ due_at: ahead() });
      const cancelled = await opened.notifications.cancel([tenant], notification_id, 'ben');
      expect(cancelled).toMatchObject({ status: 'cancelled', ended_by: 'ben' });
      expect(await opened.notifications.cancel([tenant], notification_id, 'ana')).toEqual(cancelled);
      await opened.queue.pass(tenant, 2 * HOUR);
      await startAll(opened.starting);
      expect(await made(notification_id)).toEqual([]);
    });

    it('that has started is cancelled as far as no attempt has begun', async () => {
      const recipients = ['a@example.com', 'b@example.com', 'c@example.com'];
      const { notification_id } = await create({
        recipients,
        deliveries: recipients.map((recipient) => ({ channel: 'email', recipient })),
      });
      await startAll(opened.starting);
      const [a, b] = await made(notification_id);
      await opened.queue.begin(a!.delivery_id);
      await opened.queue.settle(a!.delivery_id, 'sent', null);
      await opened.queue.begin(b!.delivery_id);
      expect(await opened.notifications.cancel([tenant], notification_id, 'ben')).toMatchObject({
        status: 'cancelled',
      });
      expect(
        (await made(notification_id)).map(({ recipient, status, reason, due_at }) => [
          recipient,
          status,
          reason,
          due_at,
        ]),
      ).toEqual([
        ['a@example.com', 'sent', null, null],
        ['b@example.com', 'pending', null, null],
        ['c@example.com', 'cancelled', 'by_request', null],
      ]);
    });

    it('of which all is settled stays as it is when it is cancelled', async () => {
      const { notification_id } = await create();
      await startAll(opened.starting);
      const [only] = await made(notification_id);
      await opened.queue.begin(only!.delivery_id);
      await opened.queue.settle(only!.delivery_id, 'sent', null);
      expect(await opened.notifications.cancel([tenant], notification_id, 'ben')).toMatchObject({ status: 'started' });
      await finish();
      expect(await opened.notifications.cancel([tenant], notification_id, 'ben')).toMatchObject({ status: 'done' });
    });

    it('of a digest becomes part of one message, with a count, at the end of its window', async () => {
      const digest = { key: 'orders', every_seconds: 3_600, group: 'g' };
      const parts = [];
      for (const [title, severity] of [
        ['one', 'low'],
        ['two', 'high'],
        ['three', 'medium'],
        ['four', 'urgent'],
      ] as const)
        parts.push(await create({ title, severity, digest }));
      expect(parts.map(({ status, digest: of }) => [status, of])).toEqual(
        parts.map(() => ['gathered', { key: 'orders', every_seconds: 3_600 }]),
      );
      const id = parts[0]!.digest_id!;
      expect(new Set(parts.map(({ digest_id }) => digest_id))).toEqual(new Set([id]));
      expect(await find(id)).toMatchObject({ digest_of: 4, title: 'four', severity: 'urgent' });
      expect(await opened.notifications.cancel([tenant], parts[3]!.notification_id, 'ben')).toMatchObject({
        status: 'cancelled',
      });
      expect(await find(id)).toMatchObject({ status: 'scheduled', digest_of: 3, title: 'three', severity: 'high' });
      await startAll(opened.starting);
      expect(await find(id)).toMatchObject({ status: 'scheduled' });
      await opened.queue.pass(tenant, HOUR);
      await startAll(opened.starting);
      expect(await find(id)).toMatchObject({
        status: 'started',
        digest_of: 3,
        title: 'three',
        message: 'three\ntwo\none',
      });
      expect(await made(id)).toHaveLength(1);
      expect(await made(parts[0]!.notification_id)).toEqual([]);
      const next = await create({ digest });
      expect(next.digest_id).not.toBe(id);
      // what the digest has told cannot be taken back
      expect(await opened.notifications.cancel([tenant], parts[0]!.notification_id, 'ben')).toMatchObject({
        status: 'gathered',
      });
    });

    it('counts each of many that join a digest at the same time, and ends a digest without any', async () => {
      const digest = { key: 'k', every_seconds: 60, group: 'g' };
      const parts = await Promise.all(Array.from({ length: 20 }, () => create({ digest })));
      const ids = new Set(parts.map(({ digest_id }) => digest_id!));
      expect(ids.size).toBe(1);
      const [id] = ids;
      expect(await find(id!)).toMatchObject({ digest_of: 20 });
      for (const { notification_id } of parts) await opened.notifications.cancel([tenant], notification_id, 'ben');
      expect(await find(id!)).toMatchObject({ status: 'cancelled', digest_of: 0 });
    });

    it('of a tenant with few is started in the same step as those of a tenant with many', async () => {
      const many = tenant;
      for (let at = 0; at < 1_200; at += 50)
        await Promise.all(Array.from({ length: 50 }, () => opened.notifications.create(aNotification(many))));
      tenant = aTenant();
      const { notification_id } = await create();
      let started: string | undefined;
      for (let behind: string | null = ''; behind !== null && started === undefined;) {
        const step = await opened.starting.start(behind);
        expect(step.started).toBeLessThanOrEqual(1_000);
        if ((await find(notification_id))!.status === 'started') started = notification_id;
        // the step covered both tenants, and the larger one is not through
        if (started) expect(step.left_over).toBe(true);
        behind = step.next;
      }
      expect(started).toBe(notification_id);
      await startAll(opened.starting);
      const left = await opened.notifications.list([many], {
        status: 'scheduled',
        created_by: null,
        behind: null,
        limit: 1,
      });
      expect(left).toEqual([]);
    }, 60_000);
  });
}
