import type { TenantId } from '../tenant';
import type { PushBrowser, PushKeys } from '../wire';
import type { Reader } from './seen-positions';

/** The most browsers that one user has in one tenant. Another one replaces the one that was renewed longest ago. */
export const MAX_BROWSERS = 20;

/** A browser to which a delivery goes. */
export interface PushTarget extends PushKeys {
  /** Whether `noteTaken` has noted that it has this delivery already. */
  taken: boolean;
}

/**
 * The browsers that get push messages, for which user and which tenants.
 *
 * - A browser belongs to one user: when another user subscribes it, the first one no longer gets messages there.
 * - A subscription that is not renewed for 60 days is forgotten. Pages renew theirs when they open.
 * - A subscription made before its user's access was revoked gets nothing, from the moment of the revocation.
 * - Throws `Unavailable` (`log`) when the store is away or too slow.
 */
export abstract class PushSubscriptions {
  /** Subscribes or renews a browser for these tenants, which the caller has checked, and for no others. */
  abstract subscribe(user: Reader, tenants: readonly TenantId[], browser: PushKeys): Promise<void>;
  /** The user's browsers with those of their tenants that are among `tenants`. The last renewed first. */
  abstract of(user: Reader, tenants: readonly TenantId[]): Promise<PushBrowser[]>;
  /**
   * Unsubscribes one of the user's browsers from everything. False: none that is subscribed for one of these tenants has
   * this id.
   */
  abstract unsubscribe(user: Reader, tenants: readonly TenantId[], browserId: string): Promise<boolean>;
  /** The browsers of the user in the tenant, to which a delivery goes. */
  abstract to(tenant: TenantId, userId: string, deliveryId: string): Promise<PushTarget[]>;
  /** Notes that the browser's push service has taken a delivery, which others of the same user have yet to get. */
  abstract noteTaken(tenant: TenantId, endpoints: readonly string[], deliveryId: string): Promise<void>;
  /** Forgets browsers that their push service no longer knows. */
  abstract forget(endpoints: readonly string[]): Promise<void>;
}
