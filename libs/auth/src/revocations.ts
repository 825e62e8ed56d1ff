import { Unavailable, type TenantId } from '@tocsin/contracts';
import type { AccessChanges, NewRevocation, Revocation } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { RevocationIndex, type RevocableToken } from './revocation-index';

/**
 * The poll interval. Together with the time of a read it stays well below the 3 s within which a revocation ends a
 * stream.
 */
const POLL_MS = 2_000;
/** How old the last successful read may be. A read may take 2 s, so several have failed by then. */
const LATELY_MS = 10_000;

interface RevocationsOptions {
  /**
   * How many revocations are kept. Default 250,000, which is 600 a day while they are in force. 100,000 take about
   * 35 MB. `RevocationIndex` says what happens to the oldest beyond it.
   */
  maxRevocations?: number;
  /** The same for sessions that were signed out, which are in force for a day. Default 100,000. */
  maxSessions?: number;
}

/** What is logged when more are in force than are kept. */
const OVERFLOWS = {
  tokens:
    'more revocations are in force than are kept: tokens of everybody that are older than the forgotten ones ' +
    'are refused',
  sessions:
    'more sessions were signed out than are kept: sessions of everybody that are older than the forgotten ones ' +
    'are refused',
} as const;

type OnRevocations = (revocations: readonly Revocation[]) => void;

/**
 * The revocations in force, as this process knows them. They are read from the store every 2 s, so no message needs to
 * arrive. While the store is away, the known ones stay in force.
 */
export class Revocations {
  private readonly index: RevocationIndex;
  private readonly listeners = new Set<OnRevocations>();
  private last: Revocation | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private queued: Promise<void> | undefined;
  private failure: unknown;
  private checked: number | undefined;
  private toldOverflow = { tokens: false, sessions: false };

  constructor(
    private readonly accessChanges: AccessChanges,
    private readonly log: Log,
    private readonly now: () => number = Date.now,
    { maxRevocations = 250_000, maxSessions = 100_000 }: RevocationsOptions = {},
  ) {
    this.index = new RevocationIndex(maxRevocations, maxSessions);
  }

  /**
   * Reads the revocations in force, and goes on reading until `stop`. Resolves after the first attempt. May be called
   * twice.
   */
  async start(): Promise<void> {
    this.timer ??= setInterval(() => void (this.running ?? this.check()), POLL_MS).unref();
    await this.check();
  }

  /** Resolves once the current read has ended. May be called twice. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await (this.queued ?? this.running);
  }

  /** Whether the token was revoked and must be refused. */
  isRevoked(token: RevocableToken): boolean {
    return this.index.isRevoked(token);
  }

  /** The tenants that were revoked for this token. They count even if the directory still lists them for its user. */
  tenantsRevoked(token: RevocableToken): ReadonlySet<TenantId> {
    return this.index.tenantsRevoked(token);
  }

  /**
   * Stores a revocation and applies it here at once, without reading it; the other gateways read it within 2 s. Throws
   * as `AccessChanges.revoke` does.
   */
  async revoke(revocation: NewRevocation): Promise<void> {
    this.learn([await this.accessChanges.revoke(revocation)]);
  }

  /**
   * Calls `listener` once for each new revocation, when `isRevoked` and `tenantsRevoked` already respect it. Returns
   * the function that unsubscribes.
   */
  onNew(listener: OnRevocations): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Reads now, one read at a time. If the store answered, everything that was stored before the call is known when it
   * resolves. Never rejects.
   */
  check(): Promise<void> {
    if (!this.running) return this.run();
    // the current read may have begun before the caller's revocation was stored
    this.queued ??= this.running.then(() => {
      this.queued = undefined;
      return this.running ?? this.run();
    });
    return this.queued;
  }

  /** The last time at which all revocations were known, in epoch milliseconds; undefined until the first read. */
  get checkedAt(): number | undefined {
    return this.checked;
  }

  /**
   * For the health of the app: rejects unless the revocations were read within the last 10 s. Reads them itself before
   * that, because the start waits for it before it calls `start`.
   */
  async readLately(): Promise<void> {
    const isLate = () => this.checked === undefined || this.now() - this.checked > LATELY_MS;
    if (isLate()) await this.check();
    if (isLate()) throw this.failure ?? new Unavailable('log', 'The revocations are not read in time.');
  }

  private run(): Promise<void> {
    this.running = this.read().finally(() => (this.running = undefined));
    return this.running;
  }

  private async read(): Promise<void> {
    const startedAt = this.now();
    try {
      while (await this.readPage());
      this.checked = startedAt;
      if (this.failure) this.log.info('revocations are read again');
      this.failure = undefined;
    } catch (error) {
      if (!this.failure)
        this.log[error instanceof Unavailable ? 'warn' : 'error'](
          { err: error },
          'revocations cannot be read; those that are known stay in force',
        );
      this.failure = error;
    }
    this.index.expire(this.now());
  }

  /** Reads one page. True when there may be more. */
  private async readPage(): Promise<boolean> {
    const place = this.last;
    const page = await this.accessChanges.since(place?.revocation_id ?? 0);
    const same = page.find(({ revocation_id }) => revocation_id === place?.revocation_id);
    if (place && same && same.created_at !== place.created_at) {
      // a backup was restored and its ids are given out again: a new revocation may have a lower id than the last one
      // read
      this.last = undefined;
      return true;
    }
    this.learn(page);
    const newest = page.at(-1);
    if (!newest) return false;
    this.last = newest;
    // a lower id: the last one read is gone from the store, which then begins with the first one
    return newest.revocation_id !== place?.revocation_id;
  }

  private learn(page: readonly Revocation[]): void {
    const now = this.now();
    const fresh = page.filter((revocation) => this.index.add(revocation, now));
    const { overflowed } = this.index;
    for (const kind of ['tokens', 'sessions'] as const)
      if (overflowed[kind] && !this.toldOverflow[kind]) this.log.error(OVERFLOWS[kind]);
    this.toldOverflow = overflowed;
    if (fresh.length === 0) return;
    for (const listener of this.listeners) {
      try {
        listener(fresh);
      } catch (error) {
        this.log.error({ err: error }, 'what follows from a revocation failed');
      }
    }
  }
}
