import type { ClaimedDelivery, PlannedDelivery, Settlement } from '../delivery';
import type { StoredEvent } from '../event';
import type { AlertActs, ClaimOptions, DeliveryQueue, EventLog } from '../ports';
import type { TenantId } from '../tenant';
import type { Act, Channel, DeliveryAttempt, DeliveryReason, DeliveryStatus } from '../wire';
import type { ValidMessage } from '../valid-message';
import { aPlannedEvent, aTenant } from './an-alert';
import { eventually } from './eventually';

/** A delivery as it stands in the store. */
export interface StandingDelivery {
  delivery_id: string;
  channel: Channel;
  recipient: string;
  seq: number;
  status: DeliveryStatus;
  reason: DeliveryReason | null;
  settled: boolean;
  attempts: Pick<DeliveryAttempt, 'attempt' | 'outcome' | 'reason' | 'answer' | 'provider_id'>[];
}

export interface OpenDeliveryQueue {
  /** Two workers. */
  queue: DeliveryQueue;
  other: DeliveryQueue;
  /** The processor's event log and its part of the acts, and the gateway's acts. */
  log: EventLog;
  waking: AlertActs;
  acts: AlertActs;
  /** Sets a tenant's recipients of alerts whose messages name none. */
  configure(tenant: TenantId, recipients: { severity: string; channel: Channel; address: string }[]): Promise<void>;
  /** The deliveries of a tenant, in the order of seq, channel and recipient. */
  standing(tenant: TenantId): Promise<StandingDelivery[]>;
  /** Ends the snoozes of a tenant. */
  endSnoozes(tenant: TenantId): Promise<void>;
  /** Empties the queue: it has deliveries of all tenants, and so of all tests. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

const LEASE_MS = 30_000;
/** A lease that ends soon: `leaseEnded` waits for it. */
const SHORT_MS = 1;
const SOON_MS = 20;
const AT_LEAST_ONCE: ClaimOptions = { atMost: 100, leaseMs: LEASE_MS, atMostOnce: false };
const AT_MOST_ONCE: ClaimOptions = { ...AT_LEAST_ONCE, atMostOnce: true };
const TO_ANA: PlannedDelivery = { channel: 'email', recipient: 'ana@example.com' };

const idOf = ({ tenant_id, delivery_id, attempt }: ClaimedDelivery) => ({ tenant_id, delivery_id, attempt });
const sent = (one: ClaimedDelivery): Settlement => ({
  ...idOf(one),
  outcome: 'sent',
  answer: '250 accepted',
  provider_id: 'p-1',
});
const again = (one: ClaimedDelivery, again_in_ms = 0): Settlement => ({
  ...idOf(one),
  outcome: 'retry',
  reason: 'provider_error',
  answer: '503',
  again_in_ms,
});

/**
 * What every `DeliveryQueue` does without a fault. `open` is called once, and its queue is emptied before each test.
 */
export function describeDeliveryQueue(name: string, { open }: { open(): Promise<OpenDeliveryQueue> }): void {
  describe(`${name} as the queue of deliveries`, () => {
    let opened: OpenDeliveryQueue;
    beforeAll(async () => void (opened = await open()), 60_000);
    afterAll(() => opened?.close());
    beforeEach(() => opened.clear());

    const tell = async (
      tenant_id: TenantId,
      deliveries: readonly PlannedDelivery[] = [TO_ANA],
      message: Partial<ValidMessage> = {},
    ): Promise<StoredEvent> => {
      const [result] = await opened.log.append([aPlannedEvent({ tenant_id, ...message }, { deliveries })]);
      if (result!.outcome !== 'stored') throw new Error(`The message was not stored: ${result!.outcome}`);
      return result!.event;
    };
    const claim = async (options: Partial<ClaimOptions> = {}, queue = opened.queue, channel: Channel = 'email') =>
      (await queue.claim(channel, { ...AT_LEAST_ONCE, ...options })).deliveries;
    const claimOne = async (options: Partial<ClaimOptions> = {}, queue = opened.queue): Promise<ClaimedDelivery> => {
      const claimed = await claim(options, queue);
      expect(claimed).toHaveLength(1);
      return claimed[0]!;
    };
    /** Claims one delivery that may be sent only once, and begins its attempt. Its lease ends soon. */
    const beginOne = async (queue = opened.queue): Promise<ClaimedDelivery> => {
      const claimed = await claimOne(AT_MOST_ONCE, queue);
      expect(await queue.begin([claimed], SHORT_MS)).toEqual([]);
      return claimed;
    };
    const leaseEnded = () =>
      eventually(async () => expect((await opened.queue.depth()).some(({ due }) => due > 0)).toBe(true));
    const standingOne = async (tenant: TenantId): Promise<StandingDelivery> => {
      const standing = await opened.standing(tenant);
      expect(standing).toHaveLength(1);
      return standing[0]!;
    };
    const act = async (tenant: TenantId, alert_id: string, attempted: Act, by = 'ana') => {
      const until = attempted === 'snooze' ? new Date(Date.now() + 3_600_000).toISOString() : null;
      const [result] = await opened.acts.act({ tenants: [tenant], acting: [tenant] }, [alert_id], {
        act: attempted,
        by,
        until,
        assignee: null,
        note: null,
        trace_id: null,
      });
      expect(result!.outcome).toBe('acted');
    };

    describe('a claim', () => {
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
          created_at: entry.received_at,
          first_due_at: entry.received_at,
          entry,
          notification: null,
        });
        expect(Object.keys(claimed.entry!.labels)).toEqual(['b', 'a']);
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
        expect(await claim(AT_MOST_ONCE, opened.queue, 'sms')).toMatchObject([{ recipient: '+4912345678' }]);
        expect(await claim(AT_LEAST_ONCE, opened.queue, 'push')).toEqual([]);
      });

      it('of several workers at once gives each delivery to one of them, and none is left over', async () => {
        const tenants = Array.from({ length: 20 }, () => aTenant());
        await opened.log.append(
          tenants.flatMap((tenant_id) =>
            Array.from({ length: 10 }, () => aPlannedEvent({ tenant_id }, { deliveries: [TO_ANA] })),
          ),
        );
        const claimed: ClaimedDelivery[] = [];
        const work = async (queue: DeliveryQueue) => {
          for (let one = await claim({ atMost: 7 }, queue); one.length > 0; one = await claim({ atMost: 7 }, queue))
            claimed.push(...one);
        };
        await Promise.all([opened.queue, opened.other, opened.queue, opened.other].map(work));
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
        const second = await claimOne({}, opened.other);
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
        expect(await opened.other.claim('email', AT_MOST_ONCE)).toEqual({ deliveries: [], lost: 1, cancelled: 0 });
        expect(await opened.other.claim('email', AT_MOST_ONCE)).toEqual({ deliveries: [], lost: 0, cancelled: 0 });
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
        await opened.queue.extend([kept!], LEASE_MS);
        expect(await claimOne({}, opened.other)).toMatchObject({ delivery_id: lost!.delivery_id });
        expect(await opened.queue.extend([kept!, lost!], LEASE_MS)).toEqual([lost!.delivery_id]);
        await opened.queue.settle([sent(kept!)]);
        expect(await opened.queue.extend([kept!], LEASE_MS)).toEqual([kept!.delivery_id]);
        expect(await opened.queue.extend([], LEASE_MS)).toEqual([]);
      });
    });

    describe('a delivery that may be sent only once', () => {
      it('is claimed again when its worker is lost before the attempt was begun, as if nothing had happened', async () => {
        const tenant = aTenant();
        await tell(tenant);
        const first = await claimOne({ ...AT_MOST_ONCE, leaseMs: SHORT_MS });
        await leaseEnded();
        const second = await claimOne(AT_MOST_ONCE, opened.other);
        expect(second).toEqual(first);
        expect(await standingOne(tenant)).toMatchObject({ status: 'pending', attempts: [] });
        expect(await opened.queue.begin([first], LEASE_MS)).toEqual([first.delivery_id]);
        expect(await opened.queue.extend([first], LEASE_MS)).toEqual([first.delivery_id]);
        expect(await opened.other.begin([second], LEASE_MS)).toEqual([]);
        expect(await opened.queue.begin([first], LEASE_MS)).toEqual([first.delivery_id]);
        expect(await opened.other.settle([sent(second)])).toEqual(['sent']);
        expect((await standingOne(tenant)).attempts).toMatchObject([{ attempt: 1, outcome: 'sent' }]);
      });

      it('is begun once for each claim, also when the call is repeated, and the lease counts from then', async () => {
        await tell(aTenant(), [TO_ANA, { channel: 'email', recipient: 'bo@example.com' }]);
        const claimed = await claim({ ...AT_MOST_ONCE, leaseMs: SHORT_MS });
        await leaseEnded();
        expect(await opened.queue.begin(claimed, LEASE_MS)).toEqual([]);
        expect(await opened.queue.begin(claimed, LEASE_MS)).toEqual([]);
        expect(await opened.other.begin(claimed, LEASE_MS)).toHaveLength(2);
        expect(await claim(AT_MOST_ONCE, opened.other)).toEqual([]);
        expect(await opened.queue.settle([again(claimed[0]!), sent(claimed[1]!)])).toEqual(['pending', 'sent']);
        expect(await opened.queue.begin(claimed, LEASE_MS)).toHaveLength(2);
        expect(await eventually(() => claimOne(AT_MOST_ONCE))).toMatchObject({ attempt: 2 });
        expect(await opened.queue.begin([], LEASE_MS)).toEqual([]);
      });

      it('keeps its claim while that is extended, and is given back without an attempt', async () => {
        const tenant = aTenant();
        await tell(tenant);
        const claimed = await claimOne({ ...AT_MOST_ONCE, leaseMs: SHORT_MS });
        await leaseEnded();
        expect(await opened.queue.extend([claimed], LEASE_MS)).toEqual([]);
        expect(await opened.other.extend([claimed], LEASE_MS)).toEqual([claimed.delivery_id]);
        expect(await claim(AT_MOST_ONCE, opened.other)).toEqual([]);
        const released: Settlement = { ...idOf(claimed), outcome: 'released', again_in_ms: 0 };
        expect(await opened.other.settle([released])).toEqual(['stale']);
        expect(await opened.queue.settle([released])).toEqual(['pending']);
        const second = await eventually(() => claimOne(AT_MOST_ONCE, opened.other));
        expect(second.attempt).toBe(1);
        expect(await opened.queue.settle([released])).toEqual(['stale']);
        expect(await opened.other.settle([{ ...idOf(second), outcome: 'expired', reason: 'too_old' }])).toEqual([
          'expired',
        ]);
        expect(await standingOne(tenant)).toMatchObject({ status: 'expired', settled: true, attempts: [] });
      });

      it('counts as sent only if its attempt was begun', async () => {
        const tenant = aTenant();
        await tell(tenant);
        const claimed = await claimOne(AT_MOST_ONCE);
        expect(await opened.queue.settle([sent(claimed)])).toEqual(['stale']);
        expect(await standingOne(tenant)).toMatchObject({ status: 'pending', attempts: [] });
      });

      it('is cancelled with its alert until the attempt is begun', async () => {
        const tenant = aTenant();
        const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
        const claimed = await claimOne(AT_MOST_ONCE);
        await act(tenant, entry.alert_id, 'acknowledge');
        expect(await standingOne(tenant)).toMatchObject({ status: 'cancelled', reason: 'alert_over', attempts: [] });
        expect(await opened.queue.begin([claimed], LEASE_MS)).toEqual([claimed.delivery_id]);
        const released: Settlement = { ...idOf(claimed), outcome: 'released', again_in_ms: 0 };
        expect(await opened.queue.settle([released])).toEqual(['cancelled']);
      });
    });

    describe('a settlement', () => {
      it.each([
        ['sent', { outcome: 'sent', answer: '250 \0 ok', provider_id: 'p' }, null],
        ['failed', { outcome: 'failed', reason: 'rejected', answer: '550 no' }, 'rejected'],
        ['unknown', { outcome: 'unknown', reason: 'connection_lost', answer: null }, 'connection_lost'],
      ] as const)('as %s ends the delivery and is on record', async (status, settlement, reason) => {
        const tenant = aTenant();
        await tell(tenant);
        const claimed = await claimOne();
        expect(await opened.queue.settle([{ ...idOf(claimed), ...settlement }])).toEqual([status]);
        const { attempts, ...standing } = await standingOne(tenant);
        expect(standing).toMatchObject({ status, reason, settled: true });
        expect(attempts).toEqual([
          {
            attempt: 1,
            outcome: status,
            reason,
            answer: settlement.answer?.replace('\0', '\ufffd') ?? null,
            provider_id: status === 'sent' ? 'p' : null,
          },
        ]);
        expect(await claim({}, opened.other)).toEqual([]);
      });

      it('as retry lets another attempt follow after the time that it tells', async () => {
        const tenant = aTenant();
        await tell(tenant);
        const first = await claimOne();
        expect(await opened.queue.settle([again(first, SOON_MS)])).toEqual(['pending']);
        const second = await eventually(() => claimOne({}, opened.other));
        expect(second).toMatchObject({ delivery_id: first.delivery_id, attempt: 2 });
        expect(await opened.other.settle([again(second, 3_600_000)])).toEqual(['pending']);
        expect(await claim()).toEqual([]);
        expect(await standingOne(tenant)).toMatchObject({
          status: 'pending',
          settled: false,
          attempts: [1, 2].map((attempt) => ({ attempt, outcome: 'retry', reason: 'provider_error', answer: '503' })),
        });
      });

      it('without an attempt takes the number back', async () => {
        const tenant = aTenant();
        await tell(tenant);
        const first = await claimOne();
        expect(await opened.queue.settle([{ ...idOf(first), outcome: 'released', again_in_ms: 0 }])).toEqual([
          'pending',
        ]);
        const second = await eventually(() => claimOne());
        expect(second).toMatchObject({ delivery_id: first.delivery_id, attempt: 1 });
        expect(await opened.queue.settle([{ ...idOf(second), outcome: 'expired', reason: 'too_old' }])).toEqual([
          'expired',
        ]);
        expect(await standingOne(tenant)).toMatchObject({ status: 'expired', reason: 'too_old', attempts: [] });
      });

      it('of an attempt that a later claim has replaced changes nothing', async () => {
        const tenant = aTenant();
        await tell(tenant);
        const first = await claimOne({ leaseMs: SHORT_MS });
        await leaseEnded();
        const second = await claimOne({}, opened.other);
        expect(await opened.queue.settle([sent(first)])).toEqual(['stale']);
        expect(await standingOne(tenant)).toMatchObject({ status: 'pending' });
        expect(await opened.other.settle([again(second, 3_600_000)])).toEqual(['pending']);
        expect(await opened.queue.settle([sent(first)])).toEqual(['stale']);
        expect((await standingOne(tenant)).attempts.map(({ outcome }) => outcome)).toEqual(['unknown', 'retry']);
      });

      it('of a worker whose lease has ended counts while no other worker has the delivery', async () => {
        const tenant = aTenant();
        await tell(tenant);
        const claimed = await claimOne({ leaseMs: SHORT_MS });
        await leaseEnded();
        expect(await opened.queue.settle([sent(claimed)])).toEqual(['sent']);
        expect(await standingOne(tenant)).toMatchObject({
          status: 'sent',
          attempts: [{ attempt: 1, outcome: 'sent' }],
        });
      });

      it.each([
        ['sent', 'sent', sent],
        ['failed', 'failed', (one) => ({ ...idOf(one), outcome: 'failed', reason: 'rejected', answer: null })],
        ['expired', 'expired', (one) => ({ ...idOf(one), outcome: 'expired', reason: 'too_old' })],
      ] as [string, DeliveryStatus, (one: ClaimedDelivery) => Settlement][])(
        'as %s of a worker that is back replaces unknown',
        async (_, status, settlement) => {
          const tenant = aTenant();
          await tell(tenant);
          const claimed = await beginOne();
          await leaseEnded();
          expect(await opened.other.claim('email', AT_MOST_ONCE)).toMatchObject({ lost: 1 });
          expect(await opened.queue.settle([settlement(claimed)])).toEqual([status]);
          expect(await opened.queue.settle([settlement(claimed)])).toEqual([status]);
          const { status: standing, attempts } = await standingOne(tenant);
          expect(standing).toBe(status);
          expect(attempts.map(({ outcome }) => outcome)).toEqual(status === 'expired' ? [] : [status]);
        },
      );

      it.each([
        ['retry', 2, (one: ClaimedDelivery) => again(one)],
        ['released', 1, (one: ClaimedDelivery): Settlement => ({ ...idOf(one), outcome: 'released', again_in_ms: 0 })],
      ] as const)('as %s of a worker that is back lets an unknown delivery be sent', async (_, attempt, settlement) => {
        const tenant = aTenant();
        await tell(tenant);
        const claimed = await beginOne();
        await leaseEnded();
        expect(await opened.other.claim('email', AT_MOST_ONCE)).toMatchObject({ lost: 1 });
        expect(await opened.queue.settle([settlement(claimed)])).toEqual(['pending']);
        expect(await standingOne(tenant)).toMatchObject({ status: 'pending', reason: null, settled: false });
        expect(await eventually(() => claimOne(AT_MOST_ONCE))).toMatchObject({ attempt });
      });

      it('may be repeated', async () => {
        const tenant = aTenant();
        await tell(tenant, [TO_ANA, { channel: 'email', recipient: 'bo@example.com' }]);
        const [one, two] = await claim();
        const settlements = [sent(one!), again(two!, 3_600_000)];
        expect(await opened.queue.settle(settlements)).toEqual(['sent', 'pending']);
        const before = await opened.standing(tenant);
        expect(await opened.queue.settle([...settlements, ...settlements])).toEqual([
          'sent',
          'pending',
          'sent',
          'pending',
        ]);
        expect(await opened.standing(tenant)).toEqual(before);
        expect(await opened.queue.settle([])).toEqual([]);
      });

      it("as released, when it is repeated, does not release another worker's attempt of the same number", async () => {
        const tenant = aTenant();
        await tell(tenant);
        const released: Settlement = { ...idOf(await claimOne()), outcome: 'released', again_in_ms: 0 };
        expect(await opened.queue.settle([released])).toEqual(['pending']);
        const second = await eventually(() => claimOne({}, opened.other));
        expect(second.attempt).toBe(1);
        expect(await opened.queue.settle([released])).toEqual(['stale']);
        expect(await claim()).toEqual([]);
        expect(await opened.other.settle([sent(second)])).toEqual(['sent']);
      });

      it('tells the status of each, in the order of the settlements', async () => {
        const tenants = Array.from({ length: 40 }, () => aTenant());
        for (const tenant of tenants) await tell(tenant);
        const claimed = await claim();
        expect(claimed).toHaveLength(40);
        const shuffled = claimed.toSorted((a, b) => a.delivery_id.localeCompare(b.delivery_id));
        const settlements = shuffled.map((one, at) => (at % 3 === 0 ? sent(one) : again(one, 3_600_000)));
        expect(await opened.queue.settle(settlements)).toEqual(
          settlements.map(({ outcome }) => (outcome === 'sent' ? 'sent' : 'pending')),
        );
      });
    });

    describe('an alert that is over', () => {
      it.each(['acknowledge', 'resolve', 'snooze'] as const)('by %s cancels what is pending, at once', async (how) => {
        const tenant = aTenant();
        const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
        await act(tenant, entry.alert_id, how);
        expect(await standingOne(tenant)).toMatchObject({
          status: 'cancelled',
          reason: 'alert_over',
          settled: true,
          attempts: [],
        });
        expect(await opened.queue.claim('email', AT_LEAST_ONCE)).toEqual({ deliveries: [], lost: 0, cancelled: 0 });
      });

      it('by its producer cancels what is pending, also what waits, and not what tells of another alert', async () => {
        const tenant = aTenant();
        await tell(tenant, [TO_ANA], { dedup_key: 'k', occurred_at: '2026-01-01T00:00:00.000Z' });
        await opened.queue.settle([again(await claimOne(), 3_600_000)]);
        await tell(tenant, [TO_ANA], { dedup_key: 'other' });
        await tell(tenant, [], { dedup_key: 'k', status: 'resolved', occurred_at: '2026-01-01T00:01:00.000Z' });
        expect((await opened.standing(tenant)).map(({ status, reason }) => [status, reason])).toEqual([
          ['cancelled', 'alert_over'],
          ['pending', null],
        ]);
      });

      it('within one batch cancels what the batch has planned', async () => {
        const tenant_id = aTenant();
        await opened.log.append(
          (['firing', 'resolved'] as const).map((status, minute) =>
            aPlannedEvent(
              { tenant_id, dedup_key: 'k', status, occurred_at: `2026-01-01T00:0${minute}:00.000Z` },
              { deliveries: status === 'firing' ? [TO_ANA] : [] },
            ),
          ),
        );
        expect(await claim()).toEqual([]);
        expect(await standingOne(tenant_id)).toMatchObject({ status: 'cancelled', reason: 'alert_over' });
      });

      it('does not stop the attempt under way, and lets no other follow', async () => {
        const tenant = aTenant();
        const told: PlannedDelivery[] = [TO_ANA, { channel: 'email', recipient: 'bo@example.com' }];
        const { entry } = await tell(tenant, told, { dedup_key: 'k' });
        const [one, two] = await claim();
        await act(tenant, entry.alert_id, 'acknowledge');
        expect((await opened.standing(tenant)).map(({ status }) => status)).toEqual(['pending', 'pending']);
        expect(await opened.queue.settle([sent(one!), again(two!)])).toEqual(['sent', 'cancelled']);
        expect(
          (await opened.standing(tenant)).find(({ delivery_id }) => delivery_id === two!.delivery_id),
        ).toMatchObject({
          status: 'cancelled',
          reason: 'alert_over',
          attempts: [{ attempt: 1, outcome: 'retry', reason: 'provider_error' }],
        });
      });

      it('lets no attempt follow that of a lost worker', async () => {
        const tenant = aTenant();
        const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
        await claimOne({ leaseMs: SHORT_MS });
        await leaseEnded();
        await act(tenant, entry.alert_id, 'acknowledge');
        expect(await opened.other.claim('email', AT_LEAST_ONCE)).toEqual({ deliveries: [], lost: 0, cancelled: 1 });
        expect(await standingOne(tenant)).toMatchObject({
          status: 'cancelled',
          reason: 'alert_over',
          attempts: [{ attempt: 1, outcome: 'unknown', reason: 'worker_lost' }],
        });
      });

      it('for a user who acknowledged it still rings when its producer raises the severity', async () => {
        const tenant = aTenant();
        const at = (minute: number) => ({ dedup_key: 'k', occurred_at: `2026-01-01T00:0${minute}:00.000Z` });
        const { entry } = await tell(tenant, [TO_ANA], { ...at(0), severity: 'high' });
        await act(tenant, entry.alert_id, 'acknowledge');
        const raised = await tell(tenant, [TO_ANA], { ...at(1), severity: 'urgent' });
        expect(raised.entry).toMatchObject({ change: 'severity_raised', status: 'acknowledged' });
        expect(await claim()).toMatchObject([{ entry: { seq: raised.seq } }]);
      });
    });

    describe('a plan', () => {
      it('without recipients tells those of the tenant at the severity, over the channel or over all', async () => {
        const tenant = aTenant();
        await opened.configure(tenant, [
          { severity: 'urgent', channel: 'email', address: 'ana@example.com' },
          { severity: 'urgent', channel: 'sms', address: '+4912345678' },
          { severity: 'high', channel: 'email', address: 'bo@example.com' },
        ]);
        await tell(tenant, [{ channel: null, recipient: null }]);
        await tell(tenant, [{ channel: 'email', recipient: null }]);
        await tell(tenant, [{ channel: 'email', recipient: null }], { severity: 'high' });
        await tell(tenant, [{ channel: null, recipient: null }, TO_ANA]);
        await tell(tenant, [{ channel: null, recipient: null }], { severity: 'low' });
        await tell(aTenant(), [{ channel: null, recipient: null }]);
        expect((await opened.standing(tenant)).map(({ seq, channel, recipient }) => [seq, channel, recipient])).toEqual(
          [
            [1, 'email', 'ana@example.com'],
            [1, 'sms', '+4912345678'],
            [2, 'email', 'ana@example.com'],
            [3, 'email', 'bo@example.com'],
            [4, 'email', 'ana@example.com'],
            [4, 'sms', '+4912345678'],
          ],
        );
        expect((await claim()).map(({ recipient }) => recipient).sort()).toEqual([
          'ana@example.com',
          'ana@example.com',
          'ana@example.com',
          'bo@example.com',
        ]);
      });

      it('of a snooze that ends is that of the last entry that rang, for the alert as it is then', async () => {
        const tenant = aTenant();
        const at = (minute: number) => ({ dedup_key: 'k', occurred_at: `2026-01-01T00:0${minute}:00.000Z` });
        const bo: PlannedDelivery = { channel: 'sms', recipient: '+4912345678' };
        const { entry } = await tell(tenant, [TO_ANA], { ...at(0), severity: 'high' });
        await tell(tenant, [TO_ANA, bo], { ...at(1), severity: 'urgent' });
        await tell(tenant, [{ channel: 'email', recipient: 'repeat@example.com' }], { ...at(2), severity: 'urgent' });
        for (let round = 0; round < 2; round += 1) {
          await opened.clear();
          await act(tenant, entry.alert_id, 'snooze');
          await opened.endSnoozes(tenant);
          const woken = (await opened.waking.wakeSnoozed()).filter(({ tenant_id }) => tenant_id === tenant);
          expect(woken).toMatchObject([{ entry: { change: 'unsnoozed', actor: null } }]);
          const claimed = [...(await claim()), ...(await claim(AT_MOST_ONCE, opened.queue, 'sms'))];
          expect(claimed.map(({ channel, recipient }) => [channel, recipient])).toEqual([
            ['email', 'ana@example.com'],
            ['sms', '+4912345678'],
          ]);
          expect(claimed[0]!.entry).toEqual(woken[0]!.entry);
        }
      });

      it('of a snooze that ends is none where nothing is to be planned', async () => {
        const tenant = aTenant();
        const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
        await act(tenant, entry.alert_id, 'snooze');
        await opened.endSnoozes(tenant);
        const woken = (await opened.waking.wakeSnoozed(false)).filter(({ tenant_id }) => tenant_id === tenant);
        expect(woken).toMatchObject([{ entry: { change: 'unsnoozed', actor: null } }]);
        expect(await opened.standing(tenant)).toMatchObject([{ seq: 1 }]);
      });

      it('is not made when a user ends the snooze', async () => {
        const tenant = aTenant();
        const { entry } = await tell(tenant, [TO_ANA], { dedup_key: 'k' });
        await act(tenant, entry.alert_id, 'snooze');
        await act(tenant, entry.alert_id, 'unsnooze');
        expect(await opened.standing(tenant)).toMatchObject([{ seq: 1, status: 'cancelled' }]);
      });
    });

    it('tells what is due and what waits, by channel', async () => {
      const tenant = aTenant();
      const { entry } = await tell(tenant, [TO_ANA, { channel: 'sms', recipient: '+4912345678' }]);
      await tell(tenant);
      await opened.queue.settle([again((await claim({ atMost: 1 }))[0]!, 3_600_000)]);
      expect(await opened.queue.depth()).toEqual([
        { channel: 'email', due: 1, oldest_due_at: expect.any(String) as string, waiting: 1 },
        { channel: 'sms', due: 1, oldest_due_at: entry.received_at, waiting: 0 },
      ]);
      await claim({}, opened.queue, 'sms');
      expect((await opened.queue.depth())[1]).toEqual({ channel: 'sms', due: 0, oldest_due_at: null, waiting: 1 });
    });
  });
}
