import type { ClaimedDelivery, PlannedDelivery, Settlement } from '../../delivery';
import type { StoredEvent } from '../../event';
import type { AlertActs, ClaimOptions, DeliveryQueue, EventLog } from '../../ports';
import type { TenantId } from '../../tenant';
import type { ValidMessage } from '../../valid-message';
import type { Act, Channel, DeliveryAttempt, DeliveryReason, DeliveryStatus } from '../../wire';
import { aPlannedEvent } from '../an-alert';
import { eventually } from '../eventually';

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

export const LEASE_MS = 30_000;
/** A lease that ends soon: `leaseEnded` waits for it. */
export const SHORT_MS = 1;
export const SOON_MS = 20;
export const AT_LEAST_ONCE: ClaimOptions = { atMost: 100, leaseMs: LEASE_MS, atMostOnce: false };
export const AT_MOST_ONCE: ClaimOptions = { ...AT_LEAST_ONCE, atMostOnce: true };
export const TO_ANA: PlannedDelivery = { channel: 'email', recipient: 'ana@example.com' };

export const idOf = ({ tenant_id, delivery_id, attempt }: ClaimedDelivery) => ({ tenant_id, delivery_id, attempt });
export const sent = (one: ClaimedDelivery): Settlement => ({
  ...idOf(one),
  outcome: 'sent',
  answer: '250 accepted',
  provider_id: 'p-1',
});
export const again = (one: ClaimedDelivery, again_in_ms = 0): Settlement => ({
  ...idOf(one),
  outcome: 'retry',
  reason: 'provider_error',
  answer: '503',
  again_in_ms,
});

export type QueueSteps = ReturnType<typeof queueSteps>;

/** What the tests of a queue do again and again. */
export function queueSteps(opened: () => OpenDeliveryQueue) {
  const tell = async (
    tenant_id: TenantId,
    deliveries: readonly PlannedDelivery[] = [TO_ANA],
    message: Partial<ValidMessage> = {},
  ): Promise<StoredEvent> => {
    const [result] = await opened().log.append([aPlannedEvent({ tenant_id, ...message }, { deliveries })]);
    if (result!.outcome !== 'stored') throw new Error(`The message was not stored: ${result!.outcome}`);
    return result!.event;
  };
  const claim = async (options: Partial<ClaimOptions> = {}, queue = opened().queue, channel: Channel = 'email') =>
    (await queue.claim(channel, { ...AT_LEAST_ONCE, ...options })).deliveries;
  const claimOne = async (options: Partial<ClaimOptions> = {}, queue = opened().queue): Promise<ClaimedDelivery> => {
    const claimed = await claim(options, queue);
    expect(claimed).toHaveLength(1);
    return claimed[0]!;
  };
  /** Claims one delivery that may be sent only once, and begins its attempt. Its lease ends soon. */
  const beginOne = async (queue = opened().queue): Promise<ClaimedDelivery> => {
    const claimed = await claimOne(AT_MOST_ONCE, queue);
    expect(await queue.begin([claimed], SHORT_MS)).toEqual([]);
    return claimed;
  };
  const leaseEnded = () =>
    eventually(async () => expect((await opened().queue.depth()).some(({ due }) => due > 0)).toBe(true));
  const standingOne = async (tenant: TenantId): Promise<StandingDelivery> => {
    const standing = await opened().standing(tenant);
    expect(standing).toHaveLength(1);
    return standing[0]!;
  };
  const act = async (tenant: TenantId, alert_id: string, attempted: Act, by = 'ana') => {
    const until = attempted === 'snooze' ? new Date(Date.now() + 3_600_000).toISOString() : null;
    const [result] = await opened().acts.act({ tenants: [tenant], acting: [tenant] }, [alert_id], {
      act: attempted,
      by,
      until,
      assignee: null,
      note: null,
      trace_id: null,
    });
    expect(result!.outcome).toBe('acted');
  };
  return { opened, tell, claim, claimOne, beginOne, leaseEnded, standingOne, act };
}
