import type { ClaimedDelivery, PlannedDelivery } from '../../delivery';
import type { DeliveryQueue } from '../../ports';
import type { TenantId } from '../../tenant';
import { aPlannedEvent, aTenant } from '../an-alert';
import { LEASE_MS, SHORT_MS, AT_LEAST_ONCE, AT_MOST_ONCE, TO_ANA, sent, type QueueSteps } from './opened-queue';

/** Which deliveries a claim gives, and how long they are held. */
export function describeClaiming({
  tell,
  claim,
  claimOne,
  beginOne,
  leaseEnded,
  standingOne,
  opened,
}: QueueSteps): void {
  describe('a claim', () => {
    it('gives the span that the entry continues, where its trace is sampled', async () => {
      const trace = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331', sampled: true };
      await opened().log.append([aPlannedEvent({ tenant_id: aTenant() }, { ...trace, deliveries: [TO_ANA] })]);
      expect((await claimOne()).trace).toEqual(trace);
    });

    it('gives what a worker needs: the entry, who is told, and the number of the attempt', async () => {
      const tenant = aTenant();
      const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k', labels: { b: '1', a: '2' } });
      const claimed = await claimOne();
      expect(claimed).toEqual({
        tenant_id: tenant,
        delivery_id: expect.any(String) as string,
        channel: 'email',
        recipient: 'ana@example.com',
        attempt: 1,
        attempts_before: 0,
        created_at: entry.received_at,
        first_due_at: entry.received_at,
        entry,
        notification: null,
      });
      expect(Object.keys(claimed.entry!.labels)).toEqual(['b', 'a']);
      expect(claimed.trace).toBeUndefined();
      expect(await standingOne(tenant)).toMatchObject({
        delivery_id: claimed.delivery_id,
        status: 'pending',
        attempts: [],
      });
    });

    it('gives only deliveries of its channel, at most as many as asked for, and none that is claimed', async () => {
      const tenant = aTenant();
      const told = ['a', 'b', 'c'].map((who): PlannedDelivery => ({ channel: 'email', recipient: `${who}@x.org` }));
      await tell(tenant, [...told, { channel: 'sms', recipient: '+4912345678' }]);
      const first = await claim({ atMost: 2 });
      const second = await claim({ atMost: 2 });
      expect([first.length, second.length]).toEqual([2, 1]);
      expect(new Set([...first, ...second].map(({ recipient }) => recipient)).size).toBe(3);
      expect(await claim()).toEqual([]);
      expect(await claim(AT_MOST_ONCE, opened().queue, 'sms')).toMatchObject([{ recipient: '+4912345678' }]);
      expect(await claim(AT_LEAST_ONCE, opened().queue, 'push')).toEqual([]);
    });

    it('of several workers at once gives each delivery to one of them, and none is left over', async () => {
      const tenants = Array.from({ length: 20 }, () => aTenant());
      await opened().log.append(
        tenants.flatMap((tenant_id) =>
          Array.from({ length: 10 }, () => aPlannedEvent({ tenant_id }, { deliveries: [TO_ANA] })),
        ),
      );
      const claimed: ClaimedDelivery[] = [];
      const work = async (queue: DeliveryQueue) => {
        for (let one = await claim({ atMost: 7 }, queue); one.length > 0; one = await claim({ atMost: 7 }, queue))
          claimed.push(...one);
      };
      await Promise.all([opened().queue, opened().other, opened().queue, opened().other].map(work));
      expect(claimed).toHaveLength(200);
      expect(new Set(claimed.map(({ delivery_id }) => delivery_id)).size).toBe(200);
    });

    it('takes tenants in turn, independent of their backlogs', async () => {
      const [large, small] = [aTenant('a-large'), aTenant('b-small')];
      const crowd = Array.from(
        { length: 10_000 },
        (_, at) => ({ channel: 'email', recipient: `${at}@x.org` }) as const,
      );
      await tell(large, crowd);
      await tell(small);
      const claimed = await claim({ atMost: 10 });
      expect(claimed).toHaveLength(10);
      expect(claimed.filter(({ tenant_id }) => tenant_id === small)).toHaveLength(1);
      expect(await claim({ atMost: 1_000 })).toHaveLength(1_000);
    }, 30_000);

    it('begins where the one before has ended: each of many tenants has a turn', async () => {
      const tenants = Array.from({ length: 30 }, () => aTenant());
      const told = ['a', 'b', 'c', 'd'].map((who): PlannedDelivery => ({
        channel: 'email',
        recipient: `${who}@x.org`,
      }));
      for (const tenant of tenants) await tell(tenant, told);
      const turns: TenantId[] = [];
      for (let round = 0; round < 10; round += 1) {
        const claimed = await claim({ atMost: 3 });
        turns.push(...claimed.map(({ tenant_id }) => tenant_id));
      }
      expect(new Set(turns)).toEqual(new Set(tenants));
    });
  });

  describe('a lease', () => {
    it('that ends gives the delivery to another worker, with the next attempt, the same id, and the lost one on record', async () => {
      const tenant = aTenant();
      await tell(tenant);
      const first = await claimOne({ leaseMs: SHORT_MS });
      await leaseEnded();
      const second = await claimOne({}, opened().other);
      expect(second).toMatchObject({ delivery_id: first.delivery_id, attempt: 2 });
      expect(await standingOne(tenant)).toMatchObject({
        status: 'pending',
        attempts: [{ attempt: 1, outcome: 'unknown', reason: 'worker_lost' }],
      });
    });

    it('that ends after the attempt was begun leaves a delivery that may be sent only once as unknown', async () => {
      const tenant = aTenant();
      await tell(tenant);
      await beginOne();
      await leaseEnded();
      expect(await opened().other.claim('email', AT_MOST_ONCE)).toEqual({ deliveries: [], lost: 1, cancelled: 0 });
      expect(await opened().other.claim('email', AT_MOST_ONCE)).toEqual({ deliveries: [], lost: 0, cancelled: 0 });
      expect(await standingOne(tenant)).toMatchObject({
        status: 'unknown',
        reason: 'worker_lost',
        settled: true,
        attempts: [{ attempt: 1, outcome: 'unknown', reason: 'worker_lost' }],
      });
    });

    it('that is extended keeps the delivery, and extending tells what is lost', async () => {
      const tenant = aTenant();
      await tell(tenant, [TO_ANA, { channel: 'email', recipient: 'bo@example.com' }]);
      const [kept, lost] = await claim({ leaseMs: SHORT_MS });
      await leaseEnded();
      await opened().queue.extend([kept!], LEASE_MS);
      expect(await claimOne({}, opened().other)).toMatchObject({ delivery_id: lost!.delivery_id });
      expect(await opened().queue.extend([kept!, lost!], LEASE_MS)).toEqual([lost!.delivery_id]);
      await opened().queue.settle([sent(kept!)]);
      expect(await opened().queue.extend([kept!], LEASE_MS)).toEqual([kept!.delivery_id]);
      expect(await opened().queue.extend([], LEASE_MS)).toEqual([]);
    });
  });
}
