import type { Delivery } from '@tocsin/contracts';
import { aPlannedEvent } from '@tocsin/contracts/testing';
import { type Answer, inAnHour, type NotificationRoutes } from './routes';

/** The routes of deliveries. */
export function describeDeliveryRoutes({
  ask,
  ana,
  viewer,
  eve,
  operator,
  queue,
  log,
  tenant,
  rings,
}: NotificationRoutes): void {
  describe('deliveries', () => {
    const dead = async (status: Delivery['status'], count = 1): Promise<Delivery[]> => {
      await queue().plan(tenant(), count);
      const { body: page } = await ask<{ deliveries: Delivery[] }>(
        'GET',
        `/deliveries?tenant=${tenant()}&status=pending`,
        ana(),
      );
      for (const { delivery_id } of page.deliveries) {
        await queue().begin(delivery_id);
        await queue().settle(delivery_id, status, status === 'unknown' ? 'worker_lost' : 'rejected');
      }
      return page.deliveries;
    };

    test('of an alert are shown beside it, and nowhere else', async () => {
      const [stored] = await log().append([
        aPlannedEvent(
          { tenant_id: tenant(), dedup_key: 'k' },
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

    test('to a webhook show its whole address to those who may act, and its host to others', async () => {
      const recipient = 'https://hooks.slack.com/services/T0/B0/secret';
      const [stored] = await log().append([
        aPlannedEvent({ tenant_id: tenant() }, { deliveries: [{ channel: 'webhook', recipient }] }),
      ]);
      const of = `/alerts/${stored!.outcome === 'stored' ? stored!.event.entry.alert_id : ''}/deliveries`;
      const list = `/deliveries?tenant=${tenant()}`;
      const [{ delivery_id }] = (await ask<{ deliveries: [Delivery] }>('GET', of, ana())).body.deliveries;
      const one = `/deliveries/${delivery_id}`;
      const named = `${one}?tenant=${tenant()}`;
      const shown = async (path: string, by: string) => {
        const { body } = await ask<Delivery | { deliveries: Delivery[] }>('GET', path, by);
        return ('deliveries' in body ? body.deliveries : [body]).map((delivery) => delivery.recipient);
      };
      for (const path of [of, list, one, named]) {
        expect([path, await shown(path, ana())]).toEqual([path, [recipient]]);
        expect([path, await shown(path, viewer())]).toEqual([path, ['https://hooks.slack.com/…']]);
      }
      for (const path of [list, named]) expect([path, await shown(path, operator())]).toEqual([path, [recipient]]);
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
      expect(rings()).toBe(1);
      expect((await ask('POST', `${path}/redrive`, ana())).status).toBe(200);
      expect(rings()).toBe(1);
      await queue().begin(failed!.delivery_id);
      await queue().settle(failed!.delivery_id, 'sent', null);
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
          tenant: tenant(),
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
        `/deliveries?tenant=${tenant()}&status=failed,expired`,
        operator(),
      );
      expect(left.body.deliveries.map(({ status }) => status)).toEqual(['expired', 'expired']);
    });

    test('that wait are cancelled; one that is under way is not', async () => {
      await queue().plan(tenant(), 2);
      const list = (await ask<{ deliveries: Delivery[] }>('GET', `/deliveries?tenant=${tenant()}`, ana())).body
        .deliveries;
      const [begun, waiting] = list.map(({ delivery_id }) => `/deliveries/${delivery_id}`);
      await queue().begin(list[0]!.delivery_id);
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
      expect(await ask('GET', `/deliveries?tenant=${tenant()}`, eve())).toMatchObject({
        status: 403,
        body: { code: 'tenant_forbidden' },
      });
      expect(await ask('GET', `/deliveries?tenant=${tenant()}&status=lost`, ana())).toMatchObject({
        status: 400,
        body: { errors: [{ parameter: 'status' }] },
      });
    });
  });
}
