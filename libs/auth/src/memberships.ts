import { Unavailable, type Membership } from '@tocsin/contracts';
import type { TenantDirectory, User } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';
import { createHash } from 'node:crypto';
import { issuerOf } from './person';

/** How long an answer counts. A removed membership that was not announced is noticed within this time. */
const FRESH_MS = 60_000;
/** The same for a user without tenants, who may be waiting to be added to one. */
const EMPTY_FRESH_MS = 5_000;
/** How long the last answer counts while the tenant service is away. */
const STALE_MS = 10 * 60_000;
/** How long the directory is not asked again about a user after it failed to answer. */
const AWAY_MS = 10_000;

export interface MembershipsOptions {
  /** False where a lookup costs nothing and the answer depends on the token: the directory is then asked every time. */
  cached?: boolean;
  /**
   * Whether the directory is asked with the user's own token and decides by it. A cached answer then serves that token
   * only.
   */
  perToken?: boolean;
  /** How many users are cached. Default 10,000. Beyond it, the users who asked longest ago are dropped. */
  maxUsers?: number;
}

/** The options of one lookup. */
export interface MembershipsRequest {
  /**
   * How long the caller goes on with the answer before it asks again, in milliseconds. Default 0: the answer is for one
   * request. A cached answer is fetched again, and none stands in, when it would be too old by then.
   */
  heldForMs?: number;
}

/**
 * How many answers are cached for one user name: one for each issuer, or for each token. Beyond it, the least recently
 * used one is dropped.
 */
const MAX_ANSWERS = 16;

interface Answer {
  memberships: readonly Membership[];
  at: number;
}

interface Entry {
  answer?: Answer;
  /** The error of the last lookup, when it failed. */
  away?: { error: Unavailable; at: number };
  /** The lookup in flight: all who wait for it share its answer, or the error when the directory is away. */
  asking?: Promise<Unavailable | undefined>;
  /** Set when the user's memberships changed during a lookup: its answer may be older than the change. */
  forgotten?: true;
}

/**
 * Caches which tenants a user may see, so that ten thousand streams that reconnect together do not cause ten thousand
 * lookups. At most one lookup per user is in flight. While the directory is away the last answer is used, but never one
 * that a denial has followed.
 */
export class Memberships {
  /** By user name, then by what else decides the answer: the issuer or the token. */
  private readonly users = new Map<string, Map<string, Entry>>();
  private readonly maxUsers: number;
  private lastFailure: { error: Unavailable; at: number } | undefined;

  constructor(
    private readonly directory: TenantDirectory,
    private readonly metrics: Pick<Metrics, 'tenantLookups'>,
    private readonly options: MembershipsOptions = {},
    /** Monotonic milliseconds. */
    private readonly now: () => number = () => performance.now(),
  ) {
    this.maxUsers = options.maxUsers ?? 10_000;
  }

  /**
   * The user's tenants, in a stable order. Throws `Unavailable` when the directory is away and no cached answer may be
   * used.
   */
  async tenantsOf(user: User, request: MembershipsRequest = {}): Promise<readonly Membership[]> {
    if (this.options.cached === false) return this.directory.tenantsOf(user);
    const entry = this.entryOf(user);
    if (isFresh(entry, this.now(), request)) return this.count('fresh', entry.answer.memberships);
    if (entry.away && this.now() - entry.away.at < AWAY_MS) return this.standIn(entry, entry.away.error, request);
    entry.asking ??= this.ask(entry, user).finally(() => delete entry.asking);
    const error = await entry.asking;
    if (entry.forgotten) return this.tenantsOf(user, request);
    return error ? this.standIn(entry, error, request) : entry.answer!.memberships;
  }

  /** Drops what is cached about this user, of every issuer. Call it after a change of the user's memberships. */
  forget(user_id: string): void {
    for (const entry of this.users.get(user_id)?.values() ?? []) entry.forgotten = true;
    this.users.delete(user_id);
  }

  /** For the health check. It makes no lookup: it rejects when the last one failed less than 60 s ago. */
  async check(): Promise<void> {
    if (this.lastFailure && this.now() - this.lastFailure.at < FRESH_MS) throw this.lastFailure.error;
  }

  private async ask(entry: Entry, user: User): Promise<Unavailable | undefined> {
    try {
      const memberships = await this.directory.tenantsOf(user);
      entry.answer = { memberships, at: this.now() };
      delete entry.away;
      this.lastFailure = undefined;
      this.count('fetched', memberships);
      return undefined;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      entry.away = { error, at: this.now() };
      this.lastFailure = entry.away;
      return error;
    }
  }

  /** The last answer, if it named tenants and does not become too old. */
  private standIn({ answer }: Entry, error: Unavailable, { heldForMs = 0 }: MembershipsRequest): readonly Membership[] {
    if (answer && answer.memberships.length > 0 && this.now() - answer.at < STALE_MS - heldForMs)
      return this.count('stale', answer.memberships);
    this.metrics.tenantLookups.inc({ result: 'unavailable' });
    throw error;
  }

  /**
   * Users of two issuers are different users, even with one name. Where the token decides, each token has its own
   * entry.
   */
  private entryOf(user: User): Entry {
    const answers = moveToEnd(this.users, user.user_id, () => new Map<string, Entry>(), this.maxUsers);
    return moveToEnd(
      answers,
      this.options.perToken ? `${issuerOf(user)}\n${digestOf(user.token)}` : issuerOf(user),
      () => ({}),
      MAX_ANSWERS,
    );
  }

  private count(result: 'fresh' | 'fetched' | 'stale', memberships: readonly Membership[]): readonly Membership[] {
    this.metrics.tenantLookups.inc({ result });
    return memberships;
  }
}

function isFresh(
  entry: Entry,
  now: number,
  { heldForMs = 0 }: MembershipsRequest,
): entry is Entry & { answer: Answer } {
  const { answer } = entry;
  return (
    answer !== undefined &&
    now - answer.at < Math.min(FRESH_MS - heldForMs, answer.memberships.length > 0 ? FRESH_MS : EMPTY_FRESH_MS)
  );
}

/** The cache keeps a digest, so that no token outlives its request. */
const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64');

/**
 * The map's value for the key, or a new one, moved to the end. Beyond `max` entries the least recently used one is
 * dropped.
 */
function moveToEnd<V>(map: Map<string, V>, key: string, make: () => V, max: number): V {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value!);
  return value;
}
