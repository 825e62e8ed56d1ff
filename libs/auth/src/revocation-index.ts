import type { TenantId } from '@tocsin/contracts';
import {
  isOfSession,
  REVOCATION_IN_FORCE_MS,
  revocationIdOf,
  SESSION_REVOCATION_IN_FORCE_MS,
  type Revocation,
} from '@tocsin/contracts/ports';
import { BoundedCuts, type Cut } from './bounded-cuts';
import type { VerifiedToken } from './token-verifier';

/** The parts of a token that a revocation is compared with. */
export type RevocableToken = Pick<VerifiedToken, 'user_id' | 'jti' | 'issued_at' | 'session'>;

interface TenantCut extends Cut {
  user_id: string;
  tenant_id: TenantId | null;
}

const NO_TENANTS: ReadonlySet<TenantId> = new Set();

/**
 * The revocations in force: one cut for each user, each token, and each tenant of a user. A later revocation of the
 * same moves its cut. The number of cuts is bounded. Beyond the bound the oldest cut is dropped, and to be safe the
 * tokens of all users from before its time are refused, and tokens without an issue time too.
 *
 * Sessions have a bound of their own: people sign out all day, and that must not refuse the tokens of services. Beyond
 * it, other sessions from before the dropped sign-out are refused, and nothing else.
 */
export class RevocationIndex {
  private readonly tenantsByUser = new Map<string, Map<TenantId, Cut>>();
  private readonly cuts: BoundedCuts<TenantCut>;
  private readonly sessions: BoundedCuts<Cut>;

  constructor(maxCuts: number, maxSessions = maxCuts) {
    this.cuts = new BoundedCuts(maxCuts, REVOCATION_IN_FORCE_MS, (cut) => this.forgetTenant(cut));
    this.sessions = new BoundedCuts(maxSessions, SESSION_REVOCATION_IN_FORCE_MS);
  }

  /** Of which kind cuts were dropped, so that old tokens, or old sessions, of all users are refused. */
  get overflowed(): { tokens: boolean; sessions: boolean } {
    return { tokens: this.cuts.overflowed, sessions: this.sessions.overflowed };
  }

  /** Adds a revocation. False when it is already covered or no longer in force. */
  add(revocation: Revocation, nowMs: number): boolean {
    const { user_id, tenant_id, jti, issued_before, created_at } = revocation;
    const isSession = isOfSession(revocation);
    const until = Date.parse(created_at) + (isSession ? SESSION_REVOCATION_IN_FORCE_MS : REVOCATION_IN_FORCE_MS);
    if (until <= nowMs) return false;
    const key =
      jti !== null
        ? tokenKey(user_id, jti)
        : tenant_id !== null
          ? `tenant\0${user_id}\0${tenant_id}`
          : userKey(user_id);
    const cut: TenantCut = { key, user_id, tenant_id, before: Date.parse(issued_before ?? created_at), until };
    if (!(isSession ? this.sessions : this.cuts).add(cut)) return false;
    if (tenant_id !== null)
      this.tenantsByUser.set(
        user_id,
        (this.tenantsByUser.get(user_id) ?? new Map<TenantId, Cut>()).set(tenant_id, cut),
      );
    return true;
  }

  /** Drops the cuts that are no longer in force. */
  expire(nowMs: number): void {
    this.cuts.expire(nowMs);
    this.sessions.expire(nowMs);
  }

  isRevoked({ user_id, jti, issued_at, session }: RevocableToken): boolean {
    const issuedAt = issued_at ?? -Infinity;
    if (this.cuts.refusesAll(issuedAt) || (session && this.sessions.refusesAll(issuedAt))) return true;
    const cut = this.cuts.get(userKey(user_id));
    if (cut && issuedAt < cut.before) return true;
    if (session && this.names(user_id, revocationIdOf(session.session_id))) return true;
    return jti !== null && this.names(user_id, jti);
  }

  tenantsRevoked({ user_id, issued_at }: RevocableToken): ReadonlySet<TenantId> {
    const tenants = this.tenantsByUser.get(user_id);
    if (!tenants) return NO_TENANTS;
    const issuedAt = issued_at ?? -Infinity;
    return new Set([...tenants].filter(([, { before }]) => issuedAt < before).map(([tenant]) => tenant));
  }

  /** Whether a token or a session of the user was revoked by this name. */
  private names(userId: string, jti: string): boolean {
    const key = tokenKey(userId, jti);
    return this.cuts.get(key) !== undefined || this.sessions.get(key) !== undefined;
  }

  private forgetTenant({ user_id, tenant_id }: TenantCut): void {
    const tenants = this.tenantsByUser.get(user_id);
    if (tenant_id === null || !tenants) return;
    tenants.delete(tenant_id);
    if (tenants.size === 0) this.tenantsByUser.delete(user_id);
  }
}

/** NUL separates the parts of a key because no name holds it. */
const userKey = (userId: string): string => `user\0${userId}`;
const tokenKey = (userId: string, jti: string): string => `token\0${userId}\0${jti}`;
