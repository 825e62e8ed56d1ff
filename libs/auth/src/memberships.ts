import { Unavailable, type Membership } from '@tocsin/contracts';
import type { TenantDirectory, User } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';
import { createHash } from 'node:crypto';
import { issuerOf } from './person';

/** How long an answer is taken as it is: the time within which a removal that nobody told us of is noticed. */
const FRESH_MS = 60_000;
/** The same for a user without a tenant, who waits in front of the screen for being added to one. */
const EMPTY_FRESH_MS = 5_000;
/** How long the last answer stands in for a tenant service that is away. */
const STALE_MS = 10 * 60_000;
/** How long a user's question is not asked again after it was not answered. */
const AWAY_MS = 10_000;

export interface MembershipsOptions {
  /** False where asking costs nothing and the answer depends on the token: the directory is then asked every time. */
  cached?: boolean;
  /** Whether the directory is asked with the user's own token, and so decides by it. An answer then serves that token alone. */
  perToken?: boolean;
  /** How many users are remembered. Default 10,000; of more, those who asked longest ago are forgotten. */
  maxUsers?: number;
}

/** What one question may ask for beside its user. */
export interface MembershipsRequest {
  /** An answer older than this is asked for again. Default 60 s, which is also the most. Milliseconds. */
  maxAgeMs?: number;
}

/** Of one user name, how many answers are remembered: an issuer's, or a token's. Of more, the one that was used longest ago is forgotten. */
const MAX_ANSWERS = 16;

interface Answer {
  memberships: readonly Membership[];
  at: number;
}

interface Entry {
  answer?: Answer;
  /** The last question was not answered. */
  away?: { error: Unavailable; at: number };
  asking?: Promise<readonly Membership[]>;
  /** What was asked may have been answered before the change that made us forget it. */
  forgotten?: true;
}

/**
 * Who may see which tenants, so that ten thousand streams that come back at once are not ten thousand questions. One
 * question a user is in flight. While the directory is away the last answer stands in, never one that was followed by a
 * denial.
 */
export class Memberships {
  /** By user name, then by whatever else decides the answer. */
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

  /** The user's tenants, in a stable order. Throws `Unavailable` when the directory is away and nothing stands in. */
  async tenantsOf(user: User, request: MembershipsRequest = {}): Promise<readonly Membership[]> {
    if (this.options.cached === false) return this.directory.tenantsOf(user);
    const entry = this.entryOf(user);
    if (isFresh(entry, this.now(), request)) return this.count('fresh', entry.answer.memberships);
    if (entry.away && this.now() - entry.away.at < AWAY_MS) return this.standIn(entry, entry.away.error);
    entry.asking ??= this.ask(entry, user).finally(() => delete entry.asking);
    const memberships = await entry.asking;
    return entry.forgotten ? this.tenantsOf(user, request) : memberships;
  }

  /** Something changed for this user, of whichever issuer: asks anew, and lets no earlier answer stand in. */
  forget(user_id: string): void {
    for (const entry of this.users.get(user_id)?.values() ?? []) entry.forgotten = true;
    this.users.delete(user_id);
  }

  /** For the health check, which asks nobody: rejects when the last question was not answered, and that not long ago. */
  async check(): Promise<void> {
    if (this.lastFailure && this.now() - this.lastFailure.at < FRESH_MS) throw this.lastFailure.error;
  }

  private async ask(entry: Entry, user: User): Promise<readonly Membership[]> {
    try {
      const memberships = await this.directory.tenantsOf(user);
      entry.answer = { memberships, at: this.now() };
      delete entry.away;
      this.lastFailure = undefined;
      return this.count('fetched', memberships);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      entry.away = { error, at: this.now() };
      this.lastFailure = entry.away;
      return this.standIn(entry, error);
    }
  }

  /** The last answer, if it was a yes and is not too old. */
  private standIn({ answer }: Entry, error: Unavailable): readonly Membership[] {
    if (answer && answer.memberships.length > 0 && this.now() - answer.at < STALE_MS)
      return this.count('stale', answer.memberships);
    this.metrics.tenantLookups.inc({ result: 'unavailable' });
    throw error;
  }

  /** Users of two issuers are two users, whatever they are called; where the token decides, two tokens are two rights. */
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
  { maxAgeMs = FRESH_MS }: MembershipsRequest,
): entry is Entry & { answer: Answer } {
  const { answer } = entry;
  return (
    answer !== undefined &&
    now - answer.at < Math.min(maxAgeMs, answer.memberships.length > 0 ? FRESH_MS : EMPTY_FRESH_MS)
  );
}

/** A token itself is kept nowhere that outlives its request. */
const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64');

/** What the map has under the key, or a new one, as its latest; beyond `max` the one that was used longest ago goes. */
function moveToEnd<V>(map: Map<string, V>, key: string, make: () => V, max: number): V {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value!);
  return value;
}
