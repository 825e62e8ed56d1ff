import type { CancelledNotification, Notification, NotificationDetail, NotificationPage } from '@tocsin/contracts';
import { inAnHour, token, type NotificationRoutes } from './routes';

/** Who may see and cancel notifications, and what is sent of them. */
export function describeLife({
  ask,
  create,
  start,
  deliveriesOf,
  ana,
  viewer,
  eve,
  orders,
  queue,
  tenant,
}: NotificationRoutes): void {
  describe('a notification', () => {
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
      expect(await create({}, token('ana', ['alerts:read'], [tenant()]))).toMatchObject({
        status: 403,
        body: { code: 'insufficient_scope' },
      });
      expect(await create({}, token('orders', ['events:publish'], ['diner']))).toMatchObject({
        status: 403,
        body: { code: 'tenant_forbidden' },
      });
    });

    test('is visible to its sender and to the users of its tenant(), and not found for others', async () => {
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

    test('to a webhook shows its whole address to its sender and to those who may act, and its host to others', async () => {
      const address = 'https://hooks.slack.com/services/T0/B0/secret';
      const { notification_id } = (await create({ recipients: [address], channels: ['webhook'] })).body;
      await start();
      const shown = async (by: string) => {
        const { body: one } = await ask<NotificationDetail>('GET', `/notifications/${notification_id}`, by);
        const { body: page } = await ask<NotificationPage>('GET', `/notifications?tenant=${tenant()}`, by);
        return [one.recipients, one.deliveries.map(({ recipient }) => recipient), page.notifications[0]!.recipients];
      };
      for (const by of [orders(), ana()]) expect(await shown(by)).toEqual([[address], [address], [address]]);
      const host = ['https://hooks.slack.com/…'];
      expect(await shown(viewer())).toEqual([host, host, host]);
    });

    test('that is cancelled before its time is never sent; afterwards what was sent is counted', async () => {
      const later = (await create({ at: inAnHour() })).body.notification_id;
      const cancelled = await ask<CancelledNotification>('DELETE', `/notifications/${later}`, orders());
      expect(cancelled).toMatchObject({
        status: 200,
        body: { status: 'cancelled', ended_by: 'orders', counts: { cancelled: 0, sent: 0, under_way: 0, other: 0 } },
      });
      await queue().pass(tenant(), 7_200_000);
      await start();
      expect(await deliveriesOf(later)).toEqual([]);

      const recipients = ['a@example.com', 'b@example.com', 'c@example.com', 'd@example.com'];
      const now = (await create({ recipients })).body.notification_id;
      await start();
      const [a, b] = await deliveriesOf(now);
      await queue().begin(a!.delivery_id);
      await queue().settle(a!.delivery_id, 'sent', null);
      await queue().begin(b!.delivery_id);
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
            `/notifications?tenant=${tenant()}&limit=2${after}`,
            ana(),
          )
        ).body;
        seen.push(...page.notifications.map(({ notification_id }) => notification_id));
        after = page.next === null ? '' : `&after=${page.next}`;
      } while (after);
      expect([...seen].sort()).toEqual([...made].sort());
      const own = await ask<{ notifications: Notification[] }>(
        'GET',
        `/notifications?tenant=${tenant()}&status=scheduled`,
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
      expect(await ask('GET', `/notifications?tenant=${tenant()}`, eve())).toMatchObject({
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
      await queue().pass(tenant(), 600_000);
      await start();
      const told = await ask<NotificationDetail>('GET', `/notifications/${first.digest_id}`, ana());
      expect(told.body).toMatchObject({ title: 'two', message: 'two\none', digest_of: 2, status: 'started' });
      expect(told.body.deliveries).toHaveLength(1);
    });
  });
}
