import { randomUUID } from 'node:crypto';
import { HeldStreams, slotsOf, type StreamHolder, type StreamLimits, type StreamSlot } from '@tocsin/contracts';
import { StreamSlots, type TakeResult } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';
import { within } from '@tocsin/timing';
import type { Database } from './database';

interface PostgresStreamSlotsOptions {
  /**
   * How long a silent gateway keeps its slots, in milliseconds. It sends three heartbeats in that time. Default 6,000.
   */
  lifetimeMs?: number;
}

/** The time that the port allows for a decision: no stream waits longer for a count. */
const ANSWER_WITHIN_MS = 300;
const CALL_WITHIN_MS = 2_000;
/** How many streams and slots one call names: other gateways wait while it runs. */
const STREAMS_A_CALL = 100;
const SLOTS_A_CALL = 500;

type Answer = TakeResult | 'away';

interface Question {
  holder: StreamHolder;
  slots: readonly StreamSlot[];
  /** Set when the answer took too long, and this gateway decided alone. */
  late: boolean;
  resolve: (answer: Answer) => void;
}

/**
 * Counts streams in PostgreSQL. Each call states this gateway's own counts of the slots that it names, so a lost call
 * or reply is repaired by the next one. One call at a time is in flight; what comes meanwhile goes together in the
 * next. When PostgreSQL does not answer in time, this gateway's own counts decide.
 */
export class PostgresStreamSlots extends StreamSlots {
  private readonly held = new HeldStreams();
  /** Slots whose count in the database may differ from this gateway's count. */
  private readonly changed = new Set<string>();
  private questions: Question[] = [];
  private calling = false;
  private readonly instance = randomUUID();
  private readonly lifetimeMs: number;
  private beating: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly database: Database,
    private readonly metrics: Metrics,
    { lifetimeMs = 6_000 }: PostgresStreamSlotsOptions = {},
  ) {
    super();
    this.lifetimeMs = lifetimeMs;
  }

  override async take(holder: StreamHolder, limits: StreamLimits): Promise<TakeResult> {
    const slots = slotsOf(holder, limits);
    if (slots.length === 0 || this.held.has(holder)) return 'taken';
    if (this.closed) return this.takeAlone(holder, slots);
    this.beating ??= setInterval(() => this.beat(), this.lifetimeMs / 3);
    const question: Question = { holder, slots, late: false, resolve: () => undefined };
    const asking = new Promise<Answer>((resolve) => (question.resolve = resolve));
    this.questions.push(question);
    this.callSoon();
    const answer = await within(ANSWER_WITHIN_MS, asking, () => {
      question.late = true;
      return 'away' as const;
    });
    return answer === 'away' ? this.takeAlone(holder, slots) : answer;
  }

  override release(holder: StreamHolder): void {
    const slots = this.held.remove(holder);
    for (const { key } of slots) this.changed.add(key);
    if (slots.length > 0 && !this.closed) this.callSoon();
  }

  /** Stops counting, and gives back at once all slots that are still taken. May be called twice. */
  async close(): Promise<void> {
    clearInterval(this.beating);
    const wasOpen = !this.closed && this.beating !== undefined;
    this.closed = true;
    if (wasOpen)
      await this.database
        .call('select tocsin.forget_gateway($1)', [this.instance], { withinMs: CALL_WITHIN_MS })
        .catch(() => undefined);
  }

  private takeAlone(holder: StreamHolder, slots: readonly StreamSlot[]): TakeResult {
    this.metrics.streamSlotsLocal.inc();
    // the database may have given these slots after all
    for (const { key } of slots) this.changed.add(key);
    const full = this.held.fullScope(slots);
    if (full) return { full };
    this.held.add(holder, slots);
    return 'taken';
  }

  private callSoon(): void {
    if (this.calling) return;
    this.calling = true;
    setImmediate(() => void this.callAll());
  }

  /** Calls until there is nothing to ask or to state. Never rejects. */
  private async callAll(): Promise<void> {
    try {
      while (!this.closed && (this.questions.length > 0 || this.changed.size > 0)) await this.callOnce();
    } catch {
      // the next heartbeat tries again; the slots stay changed
    } finally {
      this.calling = false;
    }
  }

  private async callOnce(): Promise<void> {
    const questions = this.questions.splice(0, STREAMS_A_CALL);
    const keys = new Set(questions.flatMap(({ slots }) => slots.map(({ key }) => key)));
    for (const key of this.changed) if (keys.size < SLOTS_A_CALL) keys.add(key);
    for (const key of keys) this.changed.delete(key);
    const names = [...keys];
    const position = new Map(names.map((name, at) => [name, at]));
    try {
      const [row] = await this.database.call<{ count_streams: { full: number[]; forgotten: boolean } }>(
        'select tocsin.count_streams($1, $2, $3, $4, $5)',
        [
          this.instance,
          this.lifetimeMs,
          names,
          names.map((name) => this.held.countOf(name)),
          JSON.stringify(questions.map(({ slots }) => slots.map(({ key, limit }) => [position.get(key), limit]))),
        ],
        { withinMs: CALL_WITHIN_MS },
      );
      const { full, forgotten } = row!.count_streams;
      questions.forEach((question, at) => this.answer(question, full[at]!));
      if (forgotten) for (const key of this.held.keys()) this.changed.add(key);
    } catch (error) {
      for (const name of names) this.changed.add(name);
      for (const { resolve } of [...questions, ...this.questions.splice(0)]) resolve('away');
      throw error;
    }
  }

  /** Counts a stream before the next call states the counts, which is before the caller of `take` goes on. */
  private answer({ holder, slots, late, resolve }: Question, full: number): void {
    if (late) for (const { key } of slots) this.changed.add(key);
    else if (full === 0) this.held.add(holder, slots);
    resolve(full === 0 ? 'taken' : { full: slots[full - 1]!.scope });
  }

  /** Keeps this gateway's counts valid, by a call that states at least one of them. */
  private beat(): void {
    const [anyKey] = this.held.keys();
    if (anyKey !== undefined) this.changed.add(anyKey);
    else if (this.changed.size === 0) return;
    this.callSoon();
  }
}
