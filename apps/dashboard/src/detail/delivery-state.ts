import type { Channel, Delivery, DeliveryReason } from '@tocsin/contracts/wire';

/** What the page says of a delivery. `status` alone does not tell an attempt under way, or a refusal from giving up. */
export const DELIVERY_STATES = [
  'waiting', // for its time or its turn; nothing was tried yet
  'sending', // an attempt is under way
  'again', // an attempt has failed, and another one follows
  'sent', // the provider has accepted it
  'delivered', // the recipient has it: its own server took it, or the provider has reported so
  'read',
  'refused', // for good
  'given_up', // after the last attempt
  'undelivered', // accepted, and reported as not delivered
  'expired',
  'cancelled',
  'unknown', // it may have been sent
  'superseded',
] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** Reasons that pass: a delivery that failed for one of them was tried as often as it is tried. */
const PASSING: ReadonlySet<DeliveryReason> = new Set<DeliveryReason>([
  'timeout',
  'connection_failed',
  'connection_lost',
  'rate_limited',
  'provider_error',
]);

export function stateOf({ status, reason, channel, provider_status, attempts }: Delivery): DeliveryState {
  const [before, last] = [attempts.at(-2), attempts.at(-1)];
  switch (status) {
    case 'pending':
      return last === undefined ? 'waiting' : last.ended_at === null ? 'sending' : 'again';
    case 'sent':
      if (provider_status === 'read' || provider_status === 'delivered') return provider_status;
      // the address that answers a webhook is the recipient itself
      return channel === 'webhook' ? 'delivered' : 'sent';
    case 'failed':
      if (provider_status === 'undelivered') return 'undelivered';
      return (reason !== null && PASSING.has(reason)) || (before?.outcome === 'retry' && before.reason === reason)
        ? 'given_up'
        : 'refused';
    default:
      return status;
  }
}

/** How often an open drawer asks again while a delivery may change, in milliseconds. */
export const ASK_EVERY_MS = 2_000;
/** The same after a request that failed: an outage is not asked about every other second. */
const ASK_AFTER_FAILURE_MS = 10_000;
/** A phone's provider reports within seconds; a report that comes later is seen when the drawer is opened again. */
const REPORTS_WITHIN_MS = 60_000;
const REPORTED: ReadonlySet<Channel> = new Set<Channel>(['sms', 'whatsapp']);

/** When to ask for the deliveries again, in milliseconds; false: none of them changes by itself. */
export function askAgainMs(deliveries: readonly Delivery[] | undefined, failed: boolean, now: number): number | false {
  if (failed) return ASK_AFTER_FAILURE_MS;
  return deliveries?.some((delivery) => mayChange(delivery, now)) ? ASK_EVERY_MS : false;
}

function mayChange({ status, channel, provider_status, settled_at }: Delivery, now: number): boolean {
  if (status === 'pending') return true;
  const awaitsReport = (status === 'sent' || status === 'unknown') && REPORTED.has(channel);
  const isFinal = provider_status !== null && provider_status !== 'sent';
  return awaitsReport && !isFinal && settled_at !== null && now - Date.parse(settled_at) < REPORTS_WITHIN_MS;
}

const MAY_BE_SENT_AGAIN: ReadonlySet<Delivery['status']> = new Set<Delivery['status']>([
  'failed',
  'expired',
  'unknown',
]);
/** Whether a delivery is dead, and the server sends it again when it is asked to. */
export const isDead = ({ status }: Delivery): boolean => MAY_BE_SENT_AGAIN.has(status);

/** A recipient for display. Of a web address only the host: its path may be the secret that lets one post there. */
export function recipientWords({ channel, recipient }: Delivery, nameOf: (user: string) => string): string {
  if (channel === 'webhook') return URL.canParse(recipient) ? new URL(recipient).host : '…';
  return recipient.startsWith('user:') ? nameOf(recipient.slice('user:'.length)) : recipient;
}

const TALLIED: Readonly<Partial<Record<Delivery['status'], Tallied>>> = {
  sent: 'sent',
  pending: 'pending',
  failed: 'dead',
  expired: 'dead',
  unknown: 'unknown',
  cancelled: 'cancelled',
};
type Tallied = 'sent' | 'pending' | 'dead' | 'unknown' | 'cancelled';

/**
 * How many have been sent, may still be sent, were not sent, are not known to have been sent, and were cancelled, in
 * this order. What was superseded was never to be sent.
 */
export function tallyOf(deliveries: readonly Delivery[]): [Tallied, number][] {
  return [...new Set(Object.values(TALLIED))]
    .map((kind): [Tallied, number] => [kind, deliveries.filter(({ status }) => TALLIED[status] === kind).length])
    .filter(([, count]) => count > 0);
}
