import type { Membership } from '../tenant';

/** The user of a verified token. */
export interface User {
  user_id: string;
  /** The token itself, for a tenant service that is asked with the user's own credential. Never logged. */
  token: string;
  /** The verified claims of the token. */
  claims: Readonly<Record<string, unknown>>;
}

/** Which tenants a user may see. */
export abstract class TenantDirectory {
  /**
   * The user's tenants, in a stable order; none for a user that the directory does not know. Throws `Unavailable` when
   * it has no answer within its time (600 ms over HTTP).
   */
  abstract tenantsOf(user: User): Promise<readonly Membership[]>;
}
