import type { TenantId } from '../tenant';
import type { AlertStatus, DeliveryReason, ProviderStatus } from '../wire';

/** The provider's report on a message that it has accepted. */
export interface ProviderReport {
  tenant_id: TenantId;
  delivery_id: string;
  /** The provider's id of the message. */
  provider_id: string;
  status: ProviderStatus;
  /** Why it did not arrive; null unless `undelivered`. */
  reason: DeliveryReason | null;
  /** The provider's own error code. */
  code: string | null;
}

/** An alert that a phone number was told of, with the number that its owner may reply with. */
export interface TextedAlert {
  tenant_id: TenantId;
  alert_id: string;
  title: string;
  status: AlertStatus;
  /** The number of the newest entry since then by which the alert has rung again; null: it has not. */
  rung_again: number | null;
}

/**
 * The reports of providers on messages that they have accepted, and the replies of people to such messages. Both come
 * without a user's token: the caller has checked the provider's signature.
 *
 * - A report is stored with its delivery. If the message did not arrive, the delivery becomes `failed`. Any other
 *   report makes it `sent`. This also holds if the delivery was `unknown`, if its attempt is not settled yet, and if it
 *   waits for another attempt, which then is not made.
 * - Repeating a report is safe, and reports may arrive in any order.
 * - After a redrive, what was reported before is forgotten, and a report on an earlier message changes nothing. A
 *   message whose id is not on record counts as the newest one until that one's id is on record. A redriven delivery
 *   that waits is sent although such a message is `undelivered`.
 * - Throws `Unavailable` (`log`) when the store is unreachable or too slow.
 */
export abstract class PhoneDeliveries {
  /** Records a report. False means that there is no such delivery, or that it went over another channel. */
  abstract report(report: ProviderReport): Promise<boolean>;
  /**
   * The alerts that this phone number was told of in the last 7 days by the entry with this number, over SMS or
   * WhatsApp: at most one for each tenant and 20 in total, the newest first. Deliveries that were cancelled or expired
   * do not count.
   */
  abstract toldBy(phone: string, seq: number): Promise<TextedAlert[]>;
}
