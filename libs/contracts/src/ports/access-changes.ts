import type { TenantId } from '../tenant';

const DAY_MS = 24 * 60 * 60_000;
/**
 * How long a revocation is in force: longer than the longest token that `tocsin token` makes (366 days). A token that
 * lives longer is valid again after that, and such tokens are not refused.
 */
export const REVOCATION_IN_FORCE_MS = 400 * DAY_MS;
/**
 * How long the revocation of a session is in force. The store deletes the session with it, so it matters only to what a
 * gateway still has of the session: its copy (a minute), and the cookies and tickets of its streams (15 minutes).
 */
export const SESSION_REVOCATION_IN_FORCE_MS = DAY_MS;

/** How a session is named in a revocation, in the place of the id of a token. */
export const revocationIdOf = (sessionId: string): string => `session:${sessionId}`;
/**
 * The whole form of that name, as the store's functions have it too: an issuer may name a token `session:1`, and the
 * revocation of that token must not end after a day.
 */
const SESSION_NAME = /^session:[A-Za-z0-9_-]{43}$/;
/** Whether a revocation is the sign-out of a session. */
export const isOfSession = ({ jti }: Pick<Revocation, 'jti'>): boolean => jti !== null && SESSION_NAME.test(jti);

/**
 * A revocation for one user, of every issuer. Set at most one of `tenant_id`, `jti` and `issued_before`. With none,
 * every token of the user issued until now is revoked.
 *
 * A token without `iat` counts as issued before any time. `iat` is mostly in whole seconds, so a token of the same
 * second as the revocation is revoked too: a fresh token is valid from the next second on.
 *
 * Where the issuer's clock is ahead of the store's, a token from just before the revocation seems to be issued after
 * it. Its times do not tell it from a fresh one, which must work, so it is not refused. Only `issued_before` with a
 * time that is as far ahead revokes it, and with it fresh tokens from before that time.
 */
export interface NewRevocation {
  user_id: string;
  /**
   * Revokes the access to this tenant by tokens issued before now. A fresh token works, if the directory still names
   * the tenant.
   */
  tenant_id?: TenantId;
  /** Revokes the one token with this id. */
  jti?: string;
  /** Revokes every token issued before this time: ISO 8601. The time may lie in the future. */
  issued_before?: string;
}

/** A revocation as it is stored. */
export interface Revocation {
  revocation_id: number;
  user_id: string;
  tenant_id: TenantId | null;
  jti: string | null;
  issued_before: string | null;
  /** By the store's clock. "Now" in `NewRevocation` means this time. */
  created_at: string;
}

/** The revocations, which gateways read, each from the last id that it knows. */
export abstract class AccessChanges {
  /**
   * Resolves once the revocation is durable, with what is stored. That of a session deletes the session in the same
   * step. Storing the same again is harmless. Throws `Unavailable` when the store is away (the revocation may be stored
   * all the same), `Refused` (`store_failed`) when more than one of the three fields is given.
   */
  abstract revoke(revocation: NewRevocation): Promise<Revocation>;
  /**
   * The revocations in force with a higher id than `afterId`, ordered by id, at most 5,000: continue from the last one.
   * Before them come `afterId` itself, if it is in force, and revocations that may have been committed after it under a
   * lower id: the caller drops the ones that it knows. When there is no revocation `afterId` (it has expired, or a
   * backup was restored), the result begins with the first one. Throws `Unavailable` within 2 s.
   */
  abstract since(afterId: number): Promise<Revocation[]>;
}
