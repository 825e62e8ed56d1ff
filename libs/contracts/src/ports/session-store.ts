/** A session as it is stored. Times are epoch milliseconds by the store's clock. */
export interface StoredSession {
  /** The tokens, encrypted by the caller. */
  sealed: string;
  /** Grows with each renewal. */
  version: number;
  signed_in_at: number;
  /** When the session ends, however much it is used. */
  ends_at: number;
}

/**
 * The sessions of people who signed in through an OpenID provider. A session is named by the digest of the secret in
 * its cookie, so that the store does not hold what opens it. Every method throws `Unavailable` when the store does not
 * answer within 2 s.
 */
export abstract class SessionStore {
  /** Stores a new session, which ends after `lastsMs`. Resolves once it is durable. */
  abstract create(sessionId: string, sealed: string, lastsMs: number): Promise<void>;
  /**
   * The session, which counts as used now. Undefined when there is none, when it has ended, and when it was not used
   * for `idleMs`: then it cannot be used again.
   */
  abstract use(sessionId: string, idleMs: number): Promise<StoredSession | undefined>;
  /**
   * Asks for the right to renew the tokens of this version: true for one caller on any gateway, until it has stored new
   * ones or `leaseMs` are over. Providers take a refresh token once, so two renewals at the same time would end the
   * session.
   */
  abstract claimRenewal(sessionId: string, version: number, leaseMs: number): Promise<boolean>;
  /** Stores new tokens in place of those of `version`. False when the session has ended or has newer ones. */
  abstract renew(sessionId: string, version: number, sealed: string): Promise<boolean>;
  /** Deletes a session. Doing so again is harmless. */
  abstract end(sessionId: string): Promise<void>;
}
