import type { ClaimedDelivery, SendOutcome, Settlement } from '@tocsin/contracts';
import type { DeliveryReason } from '@tocsin/contracts/wire';
import type { DeliveryChannel } from './channels/delivery-channel';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The wait after the first, second … failed attempt, in milliseconds. After the last wait comes the last attempt. */
export const WAITS_MS: readonly number[] = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR];
/**
 * Waits vary at random by this share up and down, so that deliveries that failed together do not come back together.
 */
export const JITTER = 0.2;
/** The shortest wait, in milliseconds, after a timeout or a rate limit: an earlier attempt would add to the load. */
export const OVERLOAD_WAIT_MS = MINUTE;
/** The most characters that are kept of a provider's answer. */
export const MAX_ANSWER_LENGTH = 1_000;

const OVERLOADED: ReadonlySet<DeliveryReason> = new Set<DeliveryReason>(['timeout', 'rate_limited']);

/** The facts besides the outcome of the attempt that decide about a delivery. */
interface Circumstances {
  promise: DeliveryChannel['promise'];
  /** How long the delivery may still be sent, in milliseconds. */
  expiresInMs: number;
  /** A random number from 0 to below 1. */
  random: number;
}

/**
 * Decides what follows from an attempt: the delivery is settled, or attempted again after a while. An attempt with an
 * unknown result is repeated only if the recipient recognises a duplicate. If the delivery becomes too old before the
 * next attempt, it is due at that moment and then expires, unless the recipient was told in part: then it is sent.
 */
export function settlementOf(
  delivery: ClaimedDelivery,
  result: SendOutcome,
  { promise, expiresInMs, random }: Circumstances,
): Settlement {
  const { tenant_id, delivery_id, attempt, attempts_before = 0 } = delivery;
  const about = { tenant_id, delivery_id, attempt, answer: keptAnswer(result.answer) };
  if (result.outcome === 'sent') return { ...about, outcome: 'sent', provider_id: result.provider_id ?? null };
  const toldInPart = { ...about, outcome: 'sent', provider_id: null } as const;
  const dueIn = (wait: number) => Math.min(wait, Math.max(0, Math.ceil(expiresInMs)));
  if (result.outcome === 'held_back') {
    // a random share, so that deliveries that are given back together do not come back together
    const wait = Math.round(result.pause_ms * (1 + random));
    return result.told && wait >= expiresInMs ? toldInPart : released(delivery, dueIn(wait));
  }
  const { outcome, reason } = result;
  if (outcome === 'failed' || (outcome === 'unknown' && promise === 'at_most_once'))
    return { ...about, outcome, reason };
  const wait = waitAfter(
    attempt - attempts_before,
    reason,
    outcome === 'retry' ? result.retry_after_ms : undefined,
    random,
  );
  if (result.told && (wait === undefined || wait >= expiresInMs)) return toldInPart;
  if (wait === undefined) return { ...about, outcome: outcome === 'unknown' ? 'unknown' : 'failed', reason };
  return { ...about, outcome: 'retry', reason, again_in_ms: dueIn(wait) };
}

/** Gives a delivery back, to be claimed again after a while. It costs no attempt. */
export const released = ({ tenant_id, delivery_id, attempt }: ClaimedDelivery, again_in_ms: number): Settlement => ({
  tenant_id,
  delivery_id,
  attempt,
  outcome: 'released',
  again_in_ms,
});

/**
 * How long to wait after a failed attempt, in whole milliseconds; undefined when it was the last one. `attempt` counts
 * from 1 since the delivery was planned or redriven. The wait that a provider asks for counts if it is between the
 * scheduled wait and twice that, so no provider can delay a delivery for ever.
 */
export function waitAfter(
  attempt: number,
  reason: DeliveryReason,
  retryAfterMs: number | undefined,
  random: number,
): number | undefined {
  const scheduled = WAITS_MS[attempt - 1];
  if (scheduled === undefined) return undefined;
  const overloaded = OVERLOADED.has(reason);
  const base = overloaded ? Math.max(scheduled, OVERLOAD_WAIT_MS) : scheduled;
  if (retryAfterMs !== undefined && Number.isFinite(retryAfterMs)) {
    // the random share makes it only longer, because the provider asked not to be tried sooner
    return Math.round(Math.min(2 * base, Math.max(base, retryAfterMs * (1 + JITTER * random))));
  }
  const spread = Math.round(base * (1 - JITTER + 2 * JITTER * random));
  return overloaded ? Math.max(spread, OVERLOAD_WAIT_MS) : spread;
}

/** The beginning of a provider's answer, as a text that the database can store. */
function keptAnswer(answer: string | undefined): string | null {
  return answer === undefined ? null : answer.slice(0, MAX_ANSWER_LENGTH).replaceAll('\0', '\uFFFD').toWellFormed();
}
