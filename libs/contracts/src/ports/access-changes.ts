import type { TenantId } from '../tenant';

/** How long a revocation is in force. A token that lives longer outlives its revocation, and nothing refuses such tokens yet. */
export const REVOCATION_IN_FORCE_MS = 30 * 24 * 60 * 60_000;

/**
 * What is taken back, of one user, whatever the issuer. With none of the three every token issued before now; else one of
 * them:
 *
 * A token without `iat` counts as issued before any time. `iat` is mostly in whole seconds, so a token of the very second
 * of a revocation falls under it: a fresh one is good from the next second on.
 */
export interface NewRevocation {
  user_id: string;
  /** The user's access to this tenant by tokens issued before now. A fresh token works, if the directory still lets it. */
  tenant_id?: TenantId;
  /** The one token with this id. */
  jti?: string;
  /** Every token issued before this time: ISO 8601. It may lie ahead of now. */
  issued_before?: string;
}

/** A revocation as it is stored. */
export interface Revocation {
  revocation_id: number;
  user_id: string;
  tenant_id: TenantId | null;
  jti: string | null;
  issued_before: string | null;
  /** By the store's clock: the "now" of the above. */
  created_at: string;
}

/** What was taken back before its time. Gateways read it, each from where it was. */
export abstract class AccessChanges {
  /**
   * Resolves once it is stored for good. Storing the same again is harmless. Throws `Unavailable` when the store is away
   * (it may be stored all the same), `Refused` (`store_failed`) when more than one of the three is given.
   */
  abstract revoke(revocation: NewRevocation): Promise<void>;
  /**
   * Those in force behind `afterId`, by their ids, at most 5,000: ask again from the last one. Before them `afterId` itself,
   * if it is in force, and whatever may have been committed after it under a lower id: callers drop what they know. When
   * there is no revocation `afterId` (it is long past, or a backup was restored), those from the beginning on.
   * Throws `Unavailable` within 2 s.
   */
  abstract since(afterId: number): Promise<Revocation[]>;
}
