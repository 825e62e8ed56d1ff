import { BrokerError } from '../broker-error';
import { checkTimer } from '../duration';
import type { BrokerEvent, EventStatus } from '../event';
import {
  ABANDONED_AT_ONCE,
  EventProvider,
  isIgnored,
  patternsOf,
  type AbandonedClaim,
  type Claim,
  type EventFilter,
  type ProviderStats,
  type StatusChange,
  type StreamRequest,
} from '../event-provider';
import { passes } from './event-filter';
import { PatternTrie } from '../pattern-trie';

export interface MemoryProviderOptions {
  /** When there are more, the ones that were not read or changed for longest are evicted. Default 10,000. */
  maxEvents?: number;
  /** How often old events are looked for, in milliseconds. Default 300,000 (5 minutes). */
  cleanupIntervalMs?: number;
  /**
   * Completed events that are older are deleted, in milliseconds. Default 86,400,000 (24 hours); `Infinity` for none.
   */
  maxAgeMs?: number;
}

interface Kept {
  /** 0, 1, 2 … in the order of publication. */
  readonly number: number;
  event: BrokerEvent;
  origin: string | undefined;
  isPublished: boolean;
  isGone: boolean;
  /** Its neighbours in the order of use. */
  older: Kept | undefined;
  newer: Kept | undefined;
}

interface HeldClaim {
  claimant: string;
  /** Epoch milliseconds. */
  until: number;
  outcome: 'completed' | 'failed' | undefined;
}

interface Reader {
  /** The number of the next event that it reads. */
  next: number;
  withoutOrigin: string | undefined;
  wake: (() => void) | undefined;
}

/**
 * Keeps events in this process. They are lost when it ends, and no other process hears them; brokers of one process may
 * share it. A stream that falls behind by more than `maxEvents` ends with `stream_lagged`.
 */
export class MemoryProvider extends EventProvider {
  private readonly maxEvents: number;
  private readonly maxAgeMs: number;
  private readonly cleaning: NodeJS.Timeout;
  private readonly kept = new Map<string, Kept>();
  /**
   * The ends of the order of use. It is a list of its own: the first key of a Map is slow to find after many deletions.
   */
  private oldest: Kept | undefined;
  private newest: Kept | undefined;
  /** In the order of publication. What is gone stays here until it is half of the log. */
  private log: Kept[] = [];
  private end = 0;
  private evictedUpTo = -1;
  private readonly readers = new Set<Reader>();
  private readonly claims = new Map<string, Map<string, HeldClaim>>();
  private readonly counts: Record<EventStatus, number> = { pending: 0, processing: 0, completed: 0, failed: 0 };
  private published = 0;
  private consumed = 0;
  private evictions = 0;
  private closed = false;

  constructor({ maxEvents = 10_000, cleanupIntervalMs = 300_000, maxAgeMs = 86_400_000 }: MemoryProviderOptions = {}) {
    super();
    checkTimer('cleanupIntervalMs', cleanupIntervalMs);
    if (!(maxAgeMs >= 1)) throw new BrokerError('invalid_configuration', 'maxAgeMs is from 1 millisecond.');
    this.maxEvents = maxEvents;
    this.maxAgeMs = maxAgeMs;
    this.cleaning = setInterval(() => this.cleanUp(), cleanupIntervalMs);
    this.cleaning.unref();
  }

  async open(): Promise<void> {}

  store(events: readonly BrokerEvent[]): void {
    for (const event of events) this.keep(event, undefined, false);
  }

  publish(events: readonly BrokerEvent[], origin?: string): void {
    for (const event of events) this.keep(event, origin, true);
    this.published += events.length;
  }

  async get(id: string): Promise<BrokerEvent | undefined> {
    const kept = this.kept.get(id);
    if (!kept) return undefined;
    this.touch(kept);
    return { ...kept.event };
  }

  async list(filter: EventFilter = {}): Promise<BrokerEvent[]> {
    const { limit = 100, offset = 0, after_id } = filter;
    let from = 0;
    if (after_id !== undefined) {
      const after = this.kept.get(after_id);
      if (!after) throw new BrokerError('unknown_event', 'after_id names no event.');
      from = this.placeOf(after.number) + 1;
    }
    const isWanted = passes(filter);
    const page: BrokerEvent[] = [];
    for (let place = from, skipped = 0; place < this.log.length && page.length < limit; place += 1) {
      const { event, isGone } = this.log[place]!;
      if (isGone || !isWanted(event)) continue;
      if (skipped < offset) skipped += 1;
      else page.push({ ...event });
    }
    return page;
  }

  updateStatus(changes: readonly StatusChange[]): void {
    for (const change of changes) {
      const { id, given_up } = change;
      const kept = this.kept.get(id);
      if (!kept || isIgnored(change, kept.event.status)) continue;
      this.change(kept, change);
      for (const group of given_up?.groups ?? []) this.endClaim({ id, group, claimant: given_up!.claimant }, 'failed');
    }
  }

  async completeRedriven({ id, completed_at }: BrokerEvent, retry_count: number, at: Date): Promise<void> {
    const kept = this.kept.get(id);
    if (kept?.event.status !== 'failed' || kept.event.completed_at?.getTime() !== completed_at?.getTime()) return;
    this.change(kept, { id, status: 'completed', retry_count, at });
  }

  async delete(id: string): Promise<boolean> {
    const kept = this.kept.get(id);
    if (kept) this.remove(kept);
    return kept !== undefined;
  }

  async stream(request: StreamRequest): Promise<AsyncIterable<BrokerEvent>> {
    const reader: Reader = { next: this.end, withoutOrigin: request.withoutOrigin, wake: undefined };
    if (!this.closed && !request.signal.aborted) this.readers.add(reader);
    return this.read(reader, request);
  }

  async claim({ id, group, claimant }: Claim, leaseMs: number): Promise<boolean> {
    if (!this.kept.has(id)) return false;
    const groups = this.claims.get(id) ?? new Map<string, HeldClaim>();
    this.claims.set(id, groups);
    const held = groups.get(group);
    if (held && (held.outcome || (held.claimant !== claimant && held.until > Date.now()))) return false;
    groups.set(group, { claimant, until: Date.now() + leaseMs, outcome: undefined });
    return true;
  }

  async completeClaim(claim: Claim): Promise<void> {
    this.endClaim(claim, 'completed');
  }

  async reopenClaims(eventId: string): Promise<void> {
    const groups = this.claims.get(eventId);
    for (const [group, { outcome }] of groups ?? []) if (outcome === 'failed') groups!.delete(group);
  }

  async abandoned(groups: readonly string[]): Promise<AbandonedClaim[]> {
    const found: (AbandonedClaim & { until: number })[] = [];
    for (const [id, claims] of this.claims)
      for (const [group, { until, outcome }] of claims)
        if (!outcome && until <= Date.now() && groups.includes(group)) found.push({ id, group, until });
    return found
      .sort((a, b) => a.until - b.until)
      .slice(0, ABANDONED_AT_ONCE)
      .map(({ id, group }) => ({ id, group }));
  }

  async stats(): Promise<ProviderStats> {
    return {
      provider_type: 'memory',
      total_events: this.kept.size,
      pending_events: this.counts.pending,
      processing_events: this.counts.processing,
      completed_events: this.counts.completed,
      failed_events: this.counts.failed,
      events_published: this.published,
      events_consumed: this.consumed,
      active_subscribers: this.readers.size,
      provider_specific: { evictions: this.evictions, max_events: this.maxEvents },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.cleaning);
    for (const reader of this.readers) reader.wake?.();
  }

  private change(kept: Kept, { status, error, retry_count, at }: StatusChange): void {
    const { event } = kept;
    this.counts[event.status] -= 1;
    this.counts[status] += 1;
    event.status = status;
    event.error = error;
    if (retry_count !== undefined) event.retry_count = retry_count;
    if (status === 'processing') event.processed_at = at;
    else if (status !== 'pending') event.completed_at = at;
    this.touch(kept);
  }

  private endClaim({ id, group, claimant }: Claim, outcome: 'completed' | 'failed'): void {
    const held = this.claims.get(id)?.get(group);
    if (held?.claimant === claimant) held.outcome = outcome;
  }

  /** The place of the event of this number in the log, or of the next one that is there. */
  private placeOf(number: number): number {
    let [low, high] = [0, this.log.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.log[middle]!.number < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private keep(event: BrokerEvent, origin: string | undefined, isPublished: boolean): void {
    if (this.kept.has(event.id)) return;
    const { end } = this;
    const kept: Kept = {
      number: end,
      event: { ...event },
      origin,
      isPublished,
      isGone: false,
      older: undefined,
      newer: undefined,
    };
    this.end += 1;
    this.log.push(kept);
    this.kept.set(event.id, kept);
    this.append(kept);
    this.counts[event.status] += 1;
    for (const reader of this.readers) {
      // a reader that has read everything passes what it leaves out, instead of waking for it
      const isNews = isPublished && (origin === undefined || origin !== reader.withoutOrigin);
      if (!isNews && reader.next === end) reader.next = end + 1;
      else reader.wake?.();
    }
    while (this.kept.size > this.maxEvents) {
      const oldest = this.oldest!;
      this.evictedUpTo = Math.max(this.evictedUpTo, oldest.number);
      this.evictions += 1;
      this.remove(oldest);
    }
  }

  private async *read(reader: Reader, request: StreamRequest): AsyncGenerator<BrokerEvent> {
    const stop = () => reader.wake?.();
    request.signal.addEventListener('abort', stop);
    let asked = '';
    let wanted = new PatternTrie<true>();
    try {
      while (!this.closed && !request.signal.aborted) {
        if (reader.next >= this.end) {
          await new Promise<void>((resolve) => (reader.wake = resolve));
          reader.wake = undefined;
          continue;
        }
        const patterns = patternsOf(request);
        if (patterns.join(' ') !== asked) {
          asked = patterns.join(' ');
          wanted = new PatternTrie();
          for (const pattern of patterns) wanted.add(pattern, true);
        }
        const kept = this.log[this.placeOf(reader.next)];
        const isMissing = kept?.number !== reader.next;
        if (isMissing && this.evictedUpTo >= reader.next) throw lagged();
        reader.next = kept ? kept.number + 1 : this.end;
        if (!kept?.isPublished || (kept.origin !== undefined && kept.origin === request.withoutOrigin)) continue;
        if (wanted.match(kept.event.type).length === 0) continue;
        if (kept.isGone) {
          if (this.evictedUpTo >= kept.number) throw lagged();
          continue;
        }
        this.consumed += 1;
        yield { ...kept.event };
      }
    } finally {
      request.signal.removeEventListener('abort', stop);
      this.readers.delete(reader);
    }
  }

  private touch(kept: Kept): void {
    if (this.newest === kept) return;
    this.unlink(kept);
    this.append(kept);
  }

  private append(kept: Kept): void {
    kept.older = this.newest;
    if (this.newest) this.newest.newer = kept;
    else this.oldest = kept;
    this.newest = kept;
  }

  private unlink(kept: Kept): void {
    if (kept.older) kept.older.newer = kept.newer;
    else this.oldest = kept.newer;
    if (kept.newer) kept.newer.older = kept.older;
    else this.newest = kept.older;
    kept.older = kept.newer = undefined;
  }

  private remove(kept: Kept): void {
    kept.isGone = true;
    this.unlink(kept);
    this.kept.delete(kept.event.id);
    this.claims.delete(kept.event.id);
    this.counts[kept.event.status] -= 1;
    if (this.log.length < 2 * this.kept.size + 1_024) return;
    this.log = this.log.filter(({ isGone }) => !isGone);
  }

  /** Deletes old events that are completed. Others stay: they are waited for, or are dead letters. */
  private cleanUp(): void {
    const before = Date.now() - this.maxAgeMs;
    for (const kept of [...this.kept.values()])
      if (kept.event.status === 'completed' && kept.event.created_at.getTime() < before) this.remove(kept);
  }
}

const lagged = () => new BrokerError('stream_lagged', 'Events were evicted before this stream had read them.');
