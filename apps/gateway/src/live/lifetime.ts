import { Refused, Unavailable, type Membership, type TenantId, type UserStreams } from '@tocsin/contracts';
import type { Revocation } from '@tocsin/contracts/ports';
import { missingScopes, type Revocations, type Scope, type SessionDoor, type VerifiedToken } from '@tocsin/auth';
import type { Log } from '@tocsin/observability';
import { within } from '@tocsin/timing';
import type { VisibleTenants } from '../access/visible-tenants';
import type { EventStream } from './event-stream';

/** The scopes that a token needs to open a stream, and that a renewed token needs for its stream to go on. */
export const STREAM_SCOPES: readonly Scope[] = ['alerts:read'];
/** How often the rights of open streams are looked up again. */
const RECHECK_MS = 45_000;
const TICK_MS = 1_000;
/**
 * How long a stream goes on with an answer about its user's tenants: until the next look-up, which is a tick late at
 * most, with 4 s for its beginning and for the look-up itself. Answers of the directory count for 60 s, so a stream
 * takes one that is at most 10 s old, and a removal is found within 60 s.
 */
export const HELD_FOR_MS = 50_000;
/**
 * How long before the end of its token a stream of a session is closed when the token cannot be renewed: before the
 * heartbeat wheel would tell its client to sign in again.
 */
const UNRENEWED_MS = 2 * TICK_MS;
/**
 * The longest time after which a stream is closed so that its client reconnects: a quarter of an hour when the client
 * can resume, else an hour.
 */
const ROTATE_RESUMABLE_MS = 15 * 60_000;
const ROTATE_OTHERS_MS = 60 * 60_000;

/** An open stream with the right that it depends on. */
export interface Held {
  stream: EventStream;
  right: VerifiedToken;
  /** The tenants that the request named; null for all of the user's. */
  wanted: readonly string[] | null;
  /** The tenants that the stream has now. */
  memberships: readonly Membership[];
  /** Opens the feeds of tenants that joined, and tells the client which tenants the stream has now. */
  change(memberships: readonly Membership[], joined: readonly TenantId[]): Promise<void>;
}

/** The open streams of users with the same name: checked together, each by its own right. */
interface Watched {
  held: Set<Held>;
  nextCheckAt: number;
}

/**
 * A random time of 80 to 100 % of the longest time, in milliseconds, so that streams that were opened together are not
 * closed together.
 */
export const rotationMs = (resumable: boolean): number =>
  (resumable ? ROTATE_RESUMABLE_MS : ROTATE_OTHERS_MS) * (0.8 + Math.random() * 0.2);

/**
 * Ends streams whose right has ended. `OpenStreams` ends them when the token expires; this class ends them as soon as a
 * revocation is known, and looks up each right again and again. Each stream is checked with its own token: users of two
 * issuers, or two tokens that list their tenants, may share a name but not a right. One query to the directory serves
 * all streams with the same result, since `Memberships` caches it.
 */
export class Lifetimes {
  private readonly users = new Map<string, Watched>();
  /** The streams of sessions: their tokens are renewed while they are open. */
  private readonly ofSessions = new Set<Held>();
  private timer: NodeJS.Timeout | undefined;
  private readonly stopListening: () => void;

  constructor(
    private readonly tenants: Pick<VisibleTenants, 'now' | 'forget'>,
    private readonly revocations: Pick<Revocations, 'onNew' | 'isRevoked' | 'tenantsRevoked'>,
    private readonly maxTenants: number,
    private readonly logger: Log,
    private readonly sessions: Pick<SessionDoor, 'current'>,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.stopListening = revocations.onNew((fresh) => this.onRevoked(fresh));
  }

  /** Watches a stream until it ends. A revocation that arrived while the stream was being opened ends it here. */
  watch(held: Held): void {
    if (held.stream.closed) return;
    const key = held.right.user_id;
    const watched = this.users.get(key) ?? {
      held: new Set(),
      nextCheckAt: this.now() + RECHECK_MS * (0.5 + Math.random() / 2),
    };
    watched.held.add(held);
    this.users.set(key, watched);
    if (held.right.session) this.ofSessions.add(held);
    this.timer ??= setInterval(() => void Promise.all([this.recheckDue(), this.renewDue()]), TICK_MS).unref();
    held.stream.whenEnded(() => {
      this.ofSessions.delete(held);
      watched.held.delete(held);
      if (watched.held.size === 0 && this.users.get(key) === watched) this.users.delete(key);
    });
    this.enforce(held);
  }

  /**
   * The users with the most open streams, the most first and then by name; `most` bounds how many. A stream counts
   * when it follows a tenant that is not `hidden`. Users of two issuers with the same name are one.
   */
  busiestUsers(hidden: ReadonlySet<TenantId>, most: number): UserStreams[] {
    const isSeen = ({ stream }: Held) => stream.tenants.some((tenant) => !hidden.has(tenant));
    return [...this.users]
      .map(([user_id, { held }]) => ({ user_id, streams: [...held].filter(isSeen).length }))
      .filter(({ streams }) => streams > 0)
      .sort((a, b) => b.streams - a.streams || (a.user_id < b.user_id ? -1 : 1))
      .slice(0, most);
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.stopListening();
  }

  /** Looks up again the rights that are due. Public so that tests can use their own clock. */
  async recheckDue(): Promise<void> {
    const due = [...this.users.values()].filter(({ nextCheckAt }) => nextCheckAt <= this.now());
    for (const watched of due) watched.nextCheckAt = this.now() + RECHECK_MS;
    await Promise.all(due.map((watched) => this.recheck(watched)));
  }

  /**
   * Renews the rights of the streams of sessions whose tokens are about to expire, so that these streams go on. Public
   * for the same reason.
   */
  async renewDue(nowMs = Date.now()): Promise<void> {
    const due = [...this.ofSessions].filter(
      ({ right }) => right.session!.renew_at <= nowMs || right.expires_at - UNRENEWED_MS <= nowMs,
    );
    await Promise.all(due.map((held) => this.renewOne(held)));
  }

  private async renewOne(held: Held): Promise<void> {
    const leftMs = held.right.expires_at - Date.now();
    const renewing = this.sessions.current(held.right.session!.session_id);
    try {
      // near the end of the token a renewal that hangs is given up while the client can still be told to come back
      const waitMs = Math.max(0, leftMs - TICK_MS / 2);
      const right = await (leftMs > UNRENEWED_MS ? renewing : within(waitMs, renewing, notRenewed));
      if (held.stream.closed) return;
      // the provider may give a renewed token fewer scopes than the one before it
      if (missingScopes(right, STREAM_SCOPES).length > 0) return held.stream.close('revoked');
      held.right = right;
      held.stream.closeAt(right.expires_at);
      this.enforce(held);
      // it could be renewed and was not, because the provider is away: the session may go on when it is back
      const isRenewable = Math.max(right.expires_at, right.session.renew_at) < right.session.ends_at;
      if (isRenewable && right.expires_at - UNRENEWED_MS <= Date.now())
        held.stream.close('identity_provider_unavailable');
    } catch (error) {
      if (error instanceof Refused) return held.stream.close('token_expired');
      if (!(error instanceof Unavailable)) throw error;
      if (held.right.expires_at - UNRENEWED_MS <= Date.now()) held.stream.close('identity_provider_unavailable');
    }
  }

  private async recheck({ held }: Watched): Promise<void> {
    await Promise.all([...held].map((one) => this.recheckOne(one)));
  }

  private async recheckOne(held: Held): Promise<void> {
    try {
      // an open stream uses its session
      if (held.right.session) await this.renewOne(held);
      if (held.stream.closed) return;
      const memberships = await this.tenants.now(held.right, { heldForMs: HELD_FOR_MS });
      if (!held.stream.closed) await this.adjust(held, memberships);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      // No cached response may be used any more. The right of this stream may be gone, so this stream is closed, and no
      // other.
      held.stream.close('tenant_service_unavailable');
    }
  }

  private async adjust(held: Held, memberships: readonly Membership[]): Promise<void> {
    const { stream, wanted } = held;
    const mine = memberships.filter(({ tenant_id }) => !wanted || wanted.includes(tenant_id));
    const allowed = mine.slice(0, this.maxTenants);
    const lost = stream.tenants.filter((tenant) => !allowed.some(({ tenant_id }) => tenant_id === tenant));
    const joined = allowed.map(({ tenant_id }) => tenant_id).filter((tenant) => !stream.tenants.includes(tenant));
    if (lost.length > 0 || joined.length > 0) await this.change(held, allowed, lost, joined);
  }

  private async change(
    held: Held,
    memberships: readonly Membership[],
    lost: readonly TenantId[],
    joined: readonly TenantId[],
  ): Promise<void> {
    const { stream } = held;
    for (const tenant of lost) stream.drop(tenant);
    held.memberships = memberships;
    if (memberships.length === 0) return stream.close('revoked');
    if (stream.closed) return;
    try {
      await held.change(memberships, joined);
    } catch (error) {
      this.logger.warn({ err: error }, 'the tenants of an open stream could not be changed');
      stream.close('store_unavailable');
    }
  }

  private onRevoked(fresh: readonly Revocation[]): void {
    // The end of one token changes none of its user's tenants: the last answer still stands in for the other tokens.
    for (const { user_id, jti } of fresh) if (jti === null) this.tenants.forget(user_id);
    for (const user of new Set(fresh.map(({ user_id }) => user_id)))
      for (const held of this.users.get(user)?.held ?? []) this.enforce(held);
  }

  /** Ends the stream, or removes tenants from it, as far as its right was revoked. */
  private enforce(held: Held): void {
    if (this.revocations.isRevoked(held.right)) return held.stream.close('revoked');
    const revoked = this.revocations.tenantsRevoked(held.right);
    const lost = held.stream.tenants.filter((tenant) => revoked.has(tenant));
    const left = held.memberships.filter(({ tenant_id }) => !revoked.has(tenant_id));
    if (lost.length > 0) void this.change(held, left, lost, []);
  }
}

const notRenewed = (): never => {
  throw new Unavailable('identity_provider', 'The token of the session was not renewed in time.');
};
