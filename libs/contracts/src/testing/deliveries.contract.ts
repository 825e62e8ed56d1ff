import { randomUUID } from 'node:crypto';
import type { Deliveries, EventLog, Notifications } from '../ports';
import type { TenantId } from '../tenant';
import type { Delivery, DeliveryStatus } from '../wire';
import { aPlannedEvent, aTenant } from './an-alert';
import { aNotification, startAll, type PlayedQueue } from './notifications.contract';

interface OpenDeliveries {
  deliveries: Deliveries;
  log: EventLog;
  notifications: Notifications;
  starting: Notifications;
  queue: PlayedQueue;
  close(): Promise<void>;
}

/** What every `Deliveries` does without a fault. `open` is called once, so tests use tenants of their own. */
export function describeDeliveries(name: string, { open }: { open(): Promise<OpenDeliveries> }): void {
  describe(`${name} as the record of deliveries`, () => {
    let opened: OpenDeliveries;
    let tenant: TenantId;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());
    beforeEach(() => (tenant = aTenant()));

    const list = (query: object = {}) =>
      opened.deliveries.list(tenant, {
        statuses: null,
        channel: null,
        since: null,
        behind: null,
        limit: 500,
        ...query,
      });
    const find = (id: string) => opened.deliveries.find([tenant], id);
    /** Deliveries that are over, one of each status. */
    const over = async (...statuses: DeliveryStatus[]): Promise<Delivery[]> => {
      await opened.queue.plan(tenant, statuses.length);
      const { deliveries } = await list();
      for (const [at, { delivery_id }] of deliveries.entries()) {
        await opened.queue.begin(delivery_id);
        await opened.queue.settle(delivery_id, statuses[at]!, statuses[at] === 'unknown' ? 'worker_lost' : 'rejected');
      }
      return (await list()).deliveries;
    };

    it('of an alert are found by it, with the attempts on record and the one under way', async () => {
      const [stored] = await opened.log.append([
        aPlannedEvent(
          { tenant_id: tenant, dedup_key: 'k' },
          { deliveries: [{ channel: 'email', recipient: 'ana@example.com' }] },
        ),
      ]);
      const alert_id = stored!.outcome === 'stored' ? stored!.event.entry.alert_id : '';
      const [delivery] = await opened.deliveries.ofAlert([tenant], alert_id);
      expect(delivery).toMatchObject({
        tenant_id: tenant,
        alert_id,
        seq: 1,
        notification_id: null,
        channel: 'email',
        recipient: 'ana@example.com',
        status: 'pending',
        reason: null,
        settled_at: null,
        provider_status: null,
        provider_code: null,
        provider_status_at: null,
        attempts: [],
      });
      expect(await opened.deliveries.ofAlert([aTenant()], alert_id)).toEqual([]);
      expect(await opened.deliveries.ofAlert([tenant], randomUUID())).toEqual([]);
    });

    it('show an attempt from its beginning on, and what came of it after its end', async () => {
      await opened.queue.plan(tenant, 1);
      const [{ delivery_id } = { delivery_id: '' }] = (await list()).deliveries;
      await opened.queue.begin(delivery_id);
      expect(await find(delivery_id)).toMatchObject({
        due_at: null,
        attempts: [
          {
            attempt: 1,
            begun_at: expect.stringMatching(/^20.*\.\d{3}Z$/) as string,
            ended_at: null,
            outcome: null,
            reason: null,
            answer: null,
            provider_id: null,
          },
        ],
      });
      await opened.queue.settle(delivery_id, 'failed', 'rejected');
      expect(await find(delivery_id)).toMatchObject({
        status: 'failed',
        reason: 'rejected',
        settled_at: expect.stringMatching(/Z$/) as string,
        attempts: [
          {
            attempt: 1,
            ended_at: expect.stringMatching(/Z$/) as string,
            outcome: 'failed',
            reason: 'rejected',
            answer: 'as the provider says',
          },
        ],
      });
    });

    it('are listed the newest first, of some statuses, page by page', async () => {
      const all = await over('sent', 'failed', 'unknown', 'failed', 'expired');
      expect(all.map(({ status }) => status)).toEqual(['sent', 'failed', 'unknown', 'failed', 'expired']);
      const dead = { statuses: ['failed', 'unknown'] };
      const first = await list({ ...dead, limit: 2 });
      expect(first.deliveries.map(({ status }) => status)).toEqual(['failed', 'unknown']);
      const rest = await list({ ...dead, limit: 2, behind: first.reached });
      expect(rest.deliveries.map(({ delivery_id }) => delivery_id)).toEqual([all[3]!.delivery_id]);
      expect(rest.reached).toBeNull();
      expect((await list({ channel: 'sms' })).deliveries).toEqual([]);
      expect((await list({ since: all[1]!.created_at })).deliveries).toEqual(all.slice(0, 2));
    });

    it('that are dead are sent again with the same id, and their attempts go on', async () => {
      const [sent, failed, unknown, expired] = await over('sent', 'failed', 'unknown', 'expired');
      const ids = [sent, failed, unknown, expired].map((one) => one!.delivery_id);
      expect(await opened.deliveries.redrive([aTenant()], ids, ['failed', 'expired', 'unknown'])).toEqual([]);
      expect((await opened.deliveries.redrive([tenant], ids, ['failed', 'expired'])).sort()).toEqual(
        [failed!.delivery_id, expired!.delivery_id].sort(),
      );
      expect(await opened.deliveries.redrive([tenant], ids, ['failed', 'expired'])).toEqual([]);
      const again = await find(failed!.delivery_id);
      expect(again).toMatchObject({
        status: 'pending',
        reason: null,
        settled_at: null,
        provider_status: null,
        provider_code: null,
        provider_status_at: null,
        due_at: expect.any(String) as string,
      });
      expect(Date.parse(again!.created_at)).toBeGreaterThan(Date.now() - 10_000);
      await opened.queue.begin(failed!.delivery_id);
      expect((await find(failed!.delivery_id))!.attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
      expect(await find(unknown!.delivery_id)).toMatchObject({ status: 'unknown' });
      expect(await opened.deliveries.redrive([tenant], [unknown!.delivery_id], ['unknown'])).toEqual([
        unknown!.delivery_id,
      ]);
    });

    it('are redriven once, however many redrive them at the same time', async () => {
      const dead = await over('failed', 'failed', 'failed');
      const ids = dead.map(({ delivery_id }) => delivery_id);
      const redriven = await Promise.all(
        Array.from({ length: 6 }, () => opened.deliveries.redrive([tenant], ids, ['failed'])),
      );
      expect(redriven.flat().sort()).toEqual([...ids].sort());
    });

    it('that wait are cancelled, and no other ones', async () => {
      await opened.queue.plan(tenant, 2);
      const [begun, waiting] = (await list()).deliveries;
      await opened.queue.begin(begun!.delivery_id);
      expect(await opened.deliveries.cancel([tenant], begun!.delivery_id)).toBe(false);
      expect(await opened.deliveries.cancel([aTenant()], waiting!.delivery_id)).toBe(false);
      expect(await opened.deliveries.cancel([tenant], waiting!.delivery_id)).toBe(true);
      expect(await opened.deliveries.cancel([tenant], waiting!.delivery_id)).toBe(false);
      expect(await find(waiting!.delivery_id)).toMatchObject({
        status: 'cancelled',
        reason: 'by_request',
        due_at: null,
      });
      expect(await find(randomUUID())).toBeUndefined();
    });

    it('of a notification that are redriven make it under way again', async () => {
      const created = await opened.notifications.create(aNotification(tenant));
      const id = created.outcome === 'conflict' ? '' : created.notification.notification_id;
      await startAll(opened.starting);
      const [only] = await opened.deliveries.ofNotification([tenant], id);
      await opened.queue.begin(only!.delivery_id);
      await opened.queue.settle(only!.delivery_id, 'failed', 'rejected');
      for (let at = await opened.starting.finish(null); at;) at = await opened.starting.finish(at);
      expect(await opened.notifications.find([tenant], id)).toMatchObject({ status: 'done' });
      await opened.deliveries.redrive([tenant], [only!.delivery_id], ['failed']);
      expect(await opened.notifications.find([tenant], id)).toMatchObject({ status: 'started', ended_at: null });
    });
  });
}
