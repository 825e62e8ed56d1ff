import type { Deliveries, LogRetention, Notifications } from '../ports';
import type { TenantId } from '../tenant';
import type { Notification } from '../wire';
import { aTenant } from './an-alert';
import { aNotification, startAll, type PlayedQueue } from './notifications.contract';

interface OpenRetention {
  retention: LogRetention;
  notifications: Notifications;
  /** The same store with the rights of a notifier. */
  starting: Notifications;
  deliveries: Deliveries;
  queue: PlayedQueue;
  close(): Promise<void>;
}

const DAY = 24 * 3_600_000;
const KEPT = 90 * DAY;

/**
 * What every `LogRetention` does with notifications and their deliveries. The tenants have no entry in the log. `open`
 * is called once; retention goes through all tenants, so tests look only at their own.
 */
export function describeNotificationRetention(name: string, { open }: { open(): Promise<OpenRetention> }): void {
  describe(`${name} deletes old notifications`, () => {
    let opened: OpenRetention;
    let tenant: TenantId;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());
    beforeEach(() => (tenant = aTenant()));

    const create = async (overrides: Parameters<typeof aNotification>[1] = {}): Promise<Notification> => {
      const created = await opened.notifications.create(aNotification(tenant, overrides));
      if (created.outcome === 'conflict') throw new Error('conflict');
      return created.notification;
    };
    const made = (id: string) => opened.deliveries.ofNotification([tenant], id);
    const start = () => startAll(opened.starting);
    const finish = async () => {
      for (let at = await opened.starting.finish(null); at;) at = await opened.starting.finish(at);
    };
    /** Starts a notification, and settles its deliveries. */
    const done = async (): Promise<string> => {
      const { notification_id } = await create();
      await start();
      for (const { delivery_id } of await made(notification_id)) await opened.queue.settle(delivery_id, 'sent', null);
      await finish();
      return notification_id;
    };
    const retain = async () => {
      for (let behind: string | null = ''; behind !== null;)
        behind = (await opened.retention.deleteSettled(KEPT, behind)).next;
    };
    const left = async () =>
      (await opened.notifications.list([tenant], { status: null, created_by: null, behind: null, limit: 100 })).map(
        ({ notification_id }) => notification_id,
      );

    it('that ended before what is kept, with their deliveries, in a tenant without any entry', async () => {
      const old = await done();
      await opened.queue.age(tenant, 91 * DAY);
      const young = await done();
      await retain();
      expect(await left()).toEqual([young]);
      expect([await made(old), (await made(young)).length]).toEqual([[], 1]);
    });

    it('that were cancelled, and none that waits, is under way or ended later', async () => {
      const cancelled = await create({ due_at: new Date(Date.now() + DAY).toISOString() });
      await opened.notifications.cancel([tenant], cancelled.notification_id, 'ben');
      const waiting = await create({ due_at: new Date(Date.now() + 300 * DAY).toISOString() });
      const underWay = await create();
      await start();
      await opened.queue.age(tenant, 91 * DAY);
      await opened.queue.settle((await made(underWay.notification_id))[0]!.delivery_id, 'sent', null);
      await finish();
      const late = await create({ due_at: new Date(Date.now() + 300 * DAY).toISOString() });
      await retain();
      expect((await left()).sort()).toEqual(
        [waiting, underWay, late].map(({ notification_id }) => notification_id).sort(),
      );
      expect(await made(underWay.notification_id)).toMatchObject([{ status: 'sent' }]);
    });

    it('that a digest has gathered, with the digest, and none of a digest that still gathers', async () => {
      const digest = { key: 'orders', every_seconds: 3_600, group: 'g' };
      for (let count = 0; count < 3; count += 1) await create({ digest });
      await opened.queue.pass(tenant, 3_600_000);
      await start();
      const [{ notification_id: told }] = (await opened.notifications.list([tenant], {
        status: 'started',
        created_by: null,
        behind: null,
        limit: 1,
      })) as [Notification];
      for (const { delivery_id } of await made(told)) await opened.queue.settle(delivery_id, 'sent', null);
      await finish();
      const gathered = await create({ digest });
      await opened.queue.age(tenant, 91 * DAY);
      await retain();
      expect((await left()).sort()).toEqual([gathered.notification_id, gathered.digest_id!].sort());
      await opened.notifications.cancel([tenant], gathered.digest_id!, 'ben');
      await opened.queue.age(tenant, 91 * DAY);
      await retain();
      expect(await left()).toEqual([]);
    });

    it('in as many steps as it takes', async () => {
      for (let count = 0; count < 7; count += 1) await done();
      await opened.queue.age(tenant, 91 * DAY);
      await retain();
      expect(await left()).toEqual([]);
    });
  });
}
