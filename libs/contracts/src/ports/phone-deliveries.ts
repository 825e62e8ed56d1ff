import type { TenantId } from '../tenant';
import type { AlertStatus, DeliveryReason, ProviderStatus } from '../wire';

/** What the provider says of a message that it has accepted. */
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

/** An alert of which a phone number was told under a number that its owner may reply. */
export interface TextedAlert {
  tenant_id: TenantId;
  alert_id: string;
  title: string;
  status: AlertStatus;
  /** The number of the newest entry since then by which the alert has rung again; null: it has not. */
  rung_again: number | null;
}

/**
 * What providers of phone messages tell after a message was handed over, and what the people who got one reply. Both
 * come without a user's token: the caller has checked the provider's signature.
 *
 * - A report is kept with its delivery. A message that did not arrive makes its delivery `failed`, any other report makes
 *   it `sent`: also when the delivery was `unknown`, when its attempt is not settled yet, and when it waits for another
 *   attempt, which then is not made.
 * - Repeating a report is safe, and reports may arrive in any order.
 * - Throws `Unavailable` (`log`) when the store is away or too slow.
 */
export abstract class PhoneDeliveries {
  /** Records a report. False: there is no such delivery, or it went over another channel. */
  abstract report(report: ProviderReport): Promise<boolean>;
  /**
   * The alerts of which this phone number was told in the last 7 days by the entry with this number, over SMS or
   * WhatsApp: at most one a tenant and 20 in all, the newest first. Deliveries that were cancelled or expired do not
   * count.
   */
  abstract toldBy(phone: string, seq: number): Promise<TextedAlert[]>;
}
