import type { Membership } from '../tenant';

/** Who asks: the user of a verified token. */
export interface User {
  user_id: string;
  /** The token itself, for a tenant service that is to be asked with the user's own credential. Never logged. */
  token: string;
  /** The token's claims, verified. */
  claims: Readonly<Record<string, unknown>>;
}

/** Which tenants a user may see. */
export abstract class TenantDirectory {
  /**
   * The user's tenants, in a stable order; none for a user that the directory does not know.
   * Throws `Unavailable` when it cannot say within its time (600 ms over HTTP).
   */
  abstract tenantsOf(user: User): Promise<readonly Membership[]>;
}
