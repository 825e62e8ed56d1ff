import type { TenantId } from '../tenant';
import type { PushBrowser, PushKeys } from '../wire';
import type { Reader } from './seen-positions';

/** The most browsers of one user in one tenant. A further one replaces the one that was renewed longest ago. */
export const MAX_BROWSERS = 20;

/** A browser to which a delivery goes. */
export interface PushTarget extends PushKeys {
  /** Whether the browser has this delivery already, as `noteTaken` has recorded. */
  taken: boolean;
}

/**
 * The browsers that get push messages, each with its user and its tenants.
 *
 * - A browser belongs to one user: when another user subscribes it, the first one no longer gets messages there.
 * - A subscription that is not renewed for 30 days is deleted. Pages renew their subscription when they open.
 * - A revocation that ends the token with which a browser was subscribed ends the subscription, also when the gateway
 *   did not know of it yet. The revocation of a single token or session ends none.
 * - Where the store keeps the list of members, and the user was in it when the browser was subscribed, the browser gets
 *   messages only while the user is in it.
 * - Throws `Unavailable` (`log`) when the store is unreachable or too slow.
 */
export abstract class PushSubscriptions {
  /**
   * Subscribes or renews a browser for exactly these tenants. The caller has checked them, with a token that was issued
   * at `issuedAt` (epoch milliseconds; null when the token does not say).
   */
  abstract subscribe(
    user: Reader,
    tenants: readonly TenantId[],
    browser: PushKeys,
    issuedAt: number | null,
  ): Promise<void>;
  /** The user's browsers with those of their tenants that are in `tenants`. The most recently renewed comes first. */
  abstract of(user: Reader, tenants: readonly TenantId[]): Promise<PushBrowser[]>;
  /**
   * Unsubscribes one of the user's browsers in all tenants. False means that no browser with this id is subscribed for
   * one of these tenants.
   */
  abstract unsubscribe(user: Reader, tenants: readonly TenantId[], browserId: string): Promise<boolean>;
  /** The browsers of the user in the tenant, to which a delivery goes. */
  abstract to(tenant: TenantId, userId: string, deliveryId: string): Promise<PushTarget[]>;
  /**
   * Records that these browsers have a delivery which other browsers of the same user do not have yet. The newest 50
   * deliveries of each browser are kept.
   */
  abstract noteTaken(tenant: TenantId, endpoints: readonly string[], deliveryId: string): Promise<void>;
  /** Deletes browsers that their push service no longer knows. */
  abstract forget(endpoints: readonly string[]): Promise<void>;
}
