import type { TenantId } from './tenant';
import type { TraceContext } from './trace-context';
import type { AttemptOutcome, Channel, DeliveryReason, Entry, Severity } from './wire';

/**
 * The recipient and the channel of a delivery, as the processor plans it. Null stands for the configuration of the
 * tenant. A null recipient means the tenant's recipients on this channel at the alert's severity. With a null channel
 * the recipient is null too, and it means these recipients on all channels. The event log replaces both when it stores
 * the entry.
 */
export interface PlannedDelivery {
  channel: Channel | null;
  /** An e-mail address, a phone number in E.164, an http(s) address, `user:<user id>` for push, or null. */
  recipient: string | null;
}

/** The content of a notification, which belongs to no alert: a service or user asked for it. */
export interface NotificationContent {
  notification_id: string;
  title: string;
  message: string | null;
  severity: Severity;
  /** The number of notifications in this digest; null when it is not a digest. */
  digest_of: number | null;
}

/** The content of a delivery: an entry of an alert, or a notification. Exactly one of them is not null. */
export interface DeliverySubject {
  entry: Entry | null;
  notification: NotificationContent | null;
}

/** A delivery that one worker has claimed. No other worker attempts it until the lease ends. */
export interface ClaimedDelivery extends DeliverySubject {
  tenant_id: TenantId;
  /** The same for every attempt: providers that can recognise a duplicate get it as their key. */
  delivery_id: string;
  channel: Channel;
  recipient: string;
  /** The number of the attempt that the claim has put on record: 1, 2, 3 … */
  attempt: number;
  /**
   * How many attempts are on record from before the delivery was redriven; without it none. The schedule of attempts
   * begins anew after them, and their numbers go on.
   */
  attempts_before?: number;
  /** When the delivery was planned. Its age counts from here. */
  created_at: string;
  /** When its first attempt was due. */
  first_due_at: string;
  /** The span that it continues, if the trace of its entry is sampled. */
  trace?: TraceContext | undefined;
}

/**
 * The result of one attempt, as a channel reports it. A channel does not decide whether to try again. `sent`: the
 * provider has accepted it.
 */
export type SendOutcome = {
  /**
   * Whom the result concerns, where its reason alone would mislead. `recipient`: the provider works, and cannot reach
   * this one. `us`: no provider was asked, so the result says nothing of any.
   */
  of?: 'recipient' | 'us';
  /**
   * Whether the recipient has the message already in one of several places. Then the delivery is `sent` when no attempt
   * can follow.
   */
  told?: boolean;
} & (
  | { outcome: 'sent'; answer?: string; provider_id?: string }
  /** The provider has not accepted it and may do so later. `retry_after_ms` is the wait that the provider asked for. */
  | { outcome: 'retry'; reason: DeliveryReason; answer?: string; retry_after_ms?: number }
  /** The provider refuses it for good. */
  | { outcome: 'failed'; reason: DeliveryReason; answer?: string }
  /** The provider may have accepted it: its answer was lost. */
  | { outcome: 'unknown'; reason: DeliveryReason; answer?: string }
  /** No provider was asked, because nothing is sent to it for `pause_ms`. It costs no attempt. */
  | { outcome: 'held_back'; pause_ms: number; answer?: string }
);

/** The outcome of an attempt as it is put on record, with what follows from it. */
export type Settlement = {
  tenant_id: TenantId;
  delivery_id: string;
  /** The attempt of the claim. If a later claim has replaced it, the settlement has no effect. */
  attempt: number;
} & (
  | { outcome: Exclude<AttemptOutcome, 'retry' | 'sent'>; reason: DeliveryReason; answer: string | null }
  | { outcome: 'sent'; answer: string | null; provider_id: string | null }
  /** Another attempt follows after `again_in_ms`, unless the alert is over by then. */
  | { outcome: 'retry'; reason: DeliveryReason; answer: string | null; again_in_ms: number }
  /** No attempt was made: the delivery is too old. The attempt of the claim is taken back. */
  | { outcome: 'expired'; reason: 'too_old' }
  /** No attempt was made, and the delivery waits for `again_in_ms`. The attempt of the claim is taken back. */
  | { outcome: 'released'; again_in_ms: number }
);
