import type { TenantId } from '@tocsin/contracts';
import { REVOCATION_IN_FORCE_MS, type Revocation } from '@tocsin/contracts/ports';
import type { VerifiedToken } from './token-verifier';

/** The parts of a token that a revocation is compared with. */
export type RevocableToken = Pick<VerifiedToken, 'user_id' | 'jti' | 'issued_at' | 'session'>;

/** Refuses tokens that were issued before `before`, until `until`. Epoch milliseconds. */
interface Times {
  before: number;
  until: number;
}

interface Cut extends Times {
  key: string;
  user_id: string;
  tenant_id: TenantId | null;
}

const NO_TENANTS: ReadonlySet<TenantId> = new Set();

/**
 * The revocations in force: one cut for each user, each token, and each tenant of a user. A later revocation of the
 * same moves its cut. The number of cuts is bounded. Beyond the bound the oldest cut is dropped, and to be safe the
 * tokens of all users from before its time are refused, and tokens without an issue time too.
 */
export class RevocationIndex {
  /**
   * In the order of their last move, so the oldest is first. The keys use NUL as a separator because no name holds it.
   */
  private readonly cuts = new Map<string, Cut>();
  private readonly tenantsByUser = new Map<string, Map<TenantId, Cut>>();
  private everybody: Times | undefined;

  constructor(private readonly maxCuts: number) {}

  get size(): number {
    return this.cuts.size;
  }

  /** Whether cuts were dropped, so that old tokens of all users are refused. */
  get overflowed(): boolean {
    return this.everybody !== undefined;
  }

  /** Adds a revocation. False when it is already covered or no longer in force. */
  add({ user_id, tenant_id, jti, issued_before, created_at }: Revocation, nowMs: number): boolean {
    const until = Date.parse(created_at) + REVOCATION_IN_FORCE_MS;
    if (until <= nowMs) return false;
    const key =
      jti !== null
        ? tokenKey(user_id, jti)
        : tenant_id !== null
          ? `tenant\0${user_id}\0${tenant_id}`
          : userKey(user_id);
    const cut: Cut = { key, user_id, tenant_id, before: Date.parse(issued_before ?? created_at), until };
    // a revocation whose cut was dropped is covered already; adding it again would only push out the next cut
    if (this.everybody && covers(this.everybody, widened(cut))) return false;
    const known = this.cuts.get(key);
    if (known) {
      if (covers(known, cut)) return false;
      Object.assign(cut, later(known, cut));
      this.remove(known);
    }
    this.cuts.set(key, cut);
    if (tenant_id !== null)
      this.tenantsByUser.set(
        user_id,
        (this.tenantsByUser.get(user_id) ?? new Map<TenantId, Cut>()).set(tenant_id, cut),
      );
    if (this.cuts.size > this.maxCuts) {
      const oldest = this.oldest()!;
      this.remove(oldest);
      this.everybody = this.everybody ? later(this.everybody, widened(oldest)) : widened(oldest);
    }
    return true;
  }

  /** Drops the cuts that are no longer in force. */
  expire(nowMs: number): void {
    for (let oldest = this.oldest(); oldest && oldest.until <= nowMs; oldest = this.oldest()) this.remove(oldest);
    if (this.everybody && this.everybody.until <= nowMs) this.everybody = undefined;
  }

  isRevoked({ user_id, jti, issued_at, session }: RevocableToken): boolean {
    const issuedAt = issued_at ?? -Infinity;
    if (this.everybody && issuedAt < this.everybody.before) return true;
    const cut = this.cuts.get(userKey(user_id));
    if (cut && issuedAt < cut.before) return true;
    if (session && this.cuts.has(tokenKey(user_id, revocationIdOf(session.session_id)))) return true;
    return jti !== null && this.cuts.has(tokenKey(user_id, jti));
  }

  tenantsRevoked({ user_id, issued_at }: RevocableToken): ReadonlySet<TenantId> {
    const tenants = this.tenantsByUser.get(user_id);
    if (!tenants) return NO_TENANTS;
    const issuedAt = issued_at ?? -Infinity;
    return new Set([...tenants].filter(([, { before }]) => issuedAt < before).map(([tenant]) => tenant));
  }

  private oldest(): Cut | undefined {
    const [oldest] = this.cuts.values();
    return oldest;
  }

  private remove({ key, user_id, tenant_id }: Cut): void {
    this.cuts.delete(key);
    const tenants = this.tenantsByUser.get(user_id);
    if (tenant_id === null || !tenants) return;
    tenants.delete(tenant_id);
    if (tenants.size === 0) this.tenantsByUser.delete(user_id);
  }
}

/** How a session is named in a revocation, in the place of the id of a token. */
export const revocationIdOf = (sessionId: string): string => `session:${sessionId}`;

const userKey = (userId: string): string => `user\0${userId}`;
const tokenKey = (userId: string, jti: string): string => `token\0${userId}\0${jti}`;

/**
 * The cut for all users that replaces a dropped one. It never lies after the time of storing: one user's revocation may
 * name a later time, which would lock out all others.
 */
const widened = ({ before, until }: Times): Times => ({
  before: Math.min(before, until - REVOCATION_IN_FORCE_MS),
  until,
});

const covers = (a: Times, b: Times): boolean => a.before >= b.before && a.until >= b.until;

const later = (a: Times, b: Times): Times => ({
  before: Math.max(a.before, b.before),
  until: Math.max(a.until, b.until),
});
