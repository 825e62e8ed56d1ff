import { randomUUID } from 'node:crypto';
import { within } from '@tocsin/timing';
import { HeldStreams, slotsOf, type StreamHolder, type StreamLimits, type StreamSlot } from '@tocsin/contracts';
import { StreamSlots, type TakeResult } from '@tocsin/contracts/ports';

/** What a gateway says in one call: how many streams it has in each of these slots, and which streams want slots. */
export interface SlotStatement {
  /** The id of the gateway. */
  readonly gateway: string;
  /** How long the gateway's counts are valid after its last call, in milliseconds. */
  readonly lifetimeMs: number;
  readonly slots: readonly string[];
  /** The gateway's own count of each of the slots. */
  readonly counts: readonly number[];
  /** The slots of each stream that wants some: positions in `slots`, each with its limit. */
  readonly wanted: readonly (readonly [slot: number, limit: number][])[];
}

/** What becomes of a statement. */
export interface SlotAnswer {
  /** For each stream the position of its first full slot, counted from 1; 0 where all of its slots were taken. */
  readonly full: readonly number[];
  /** Whether the gateway was not known, so that its other counts are missing too. */
  readonly forgotten: boolean;
}

interface StatedSlotsOptions {
  /**
   * How long a silent gateway keeps its slots, in milliseconds. It sends three heartbeats in that time. Default 6,000.
   */
  lifetimeMs?: number;
}

/** The time that the port allows for a decision: no stream waits longer for a count. */
const ANSWER_WITHIN_MS = 300;
/** How many streams and slots one call names: other gateways wait while it runs. */
const STREAMS_A_CALL = 100;
const SLOTS_A_CALL = 500;

type Answer = TakeResult | 'away';

interface Question {
  holder: StreamHolder;
  limits: StreamLimits;
  slots: readonly StreamSlot[];
  /** Set when the answer took too long, and this gateway decided alone. */
  late: boolean;
  resolve: (answer: Answer) => void;
}

/**
 * Counts streams in a shared store, whatever it is. Each call states this gateway's own counts of the slots that it
 * names, so a lost call or reply is repaired by the next one. One call at a time is in flight; what comes meanwhile
 * goes together in the next. When the store does not answer in time, this gateway's own counts decide.
 */
export abstract class StatedStreamSlots extends StreamSlots {
  protected readonly held = new HeldStreams();
  protected readonly gateway = randomUUID();
  /** Slots whose count in the store may differ from this gateway's count. */
  private readonly changed = new Set<string>();
  private questions: Question[] = [];
  private calling = false;
  private readonly lifetimeMs: number;
  private beating: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    /** Where the decisions that this gateway took alone are counted. */
    private readonly alone: { inc(): void },
    { lifetimeMs = 6_000 }: StatedSlotsOptions,
  ) {
    super();
    this.lifetimeMs = lifetimeMs;
  }

  /** Makes a statement. Rejects when the store is away, or after 2 s; it may have been made all the same. */
  protected abstract state(statement: SlotStatement): Promise<SlotAnswer>;
  /** Removes this gateway, which closes. */
  protected abstract forget(): Promise<void>;

  override async take(holder: StreamHolder, limits: StreamLimits): Promise<TakeResult> {
    const slots = slotsOf(holder, limits);
    if (slots.length === 0 || this.held.has(holder)) return 'taken';
    if (this.closed) return this.takeAlone(holder, limits, slots);
    this.beating ??= setInterval(() => this.beat(), this.lifetimeMs / 3);
    const question: Question = { holder, limits, slots, late: false, resolve: () => undefined };
    const asking = new Promise<Answer>((resolve) => (question.resolve = resolve));
    this.questions.push(question);
    this.callSoon();
    const answer = await within(ANSWER_WITHIN_MS, asking, () => {
      question.late = true;
      return 'away' as const;
    });
    return answer === 'away' ? this.takeAlone(holder, limits, slots) : answer;
  }

  override release(holder: StreamHolder): void {
    const slots = this.held.remove(holder);
    for (const { key } of slots) this.changed.add(key);
    if (slots.length > 0) this.callSoon();
  }

  /** Stops counting, and gives back at once all slots that are still taken. May be called twice. */
  async close(): Promise<void> {
    clearInterval(this.beating);
    const wasOpen = !this.closed && this.beating !== undefined;
    this.closed = true;
    if (wasOpen) await this.forget().catch(() => undefined);
  }

  /** States these slots again, soon: the store may have another count. */
  protected doubt(keys: Iterable<string>): void {
    for (const key of keys) this.changed.add(key);
    if (this.changed.size > 0) this.callSoon();
  }

  /** Keeps this gateway's counts valid, by a call that states at least one of them. */
  protected beat(): void {
    const [anyKey] = this.held.keys();
    this.doubt(anyKey === undefined ? [] : [anyKey]);
  }

  private takeAlone(holder: StreamHolder, limits: StreamLimits, slots: readonly StreamSlot[]): TakeResult {
    this.alone.inc();
    // the store may have given these slots after all
    for (const { key } of slots) this.changed.add(key);
    const full = this.held.fullScope(slots);
    if (full) return { full };
    this.held.add(holder, limits);
    return 'taken';
  }

  private callSoon(): void {
    if (this.calling || this.closed) return;
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
      const { full, forgotten } = await this.state({
        gateway: this.gateway,
        lifetimeMs: this.lifetimeMs,
        slots: names,
        counts: names.map((name) => this.held.countOf(name)),
        wanted: questions.map(({ slots }) => slots.map(({ key, limit }) => [position.get(key)!, limit])),
      });
      questions.forEach((question, at) => this.answer(question, full[at]!));
      if (forgotten) for (const key of this.held.keys()) this.changed.add(key);
    } catch (error) {
      for (const name of names) this.changed.add(name);
      for (const { resolve } of [...questions, ...this.questions.splice(0)]) resolve('away');
      throw error;
    }
  }

  /** Counts a stream before the next call states the counts, which is before the caller of `take` goes on. */
  private answer({ holder, limits, slots, late, resolve }: Question, full: number): void {
    if (late) for (const { key } of slots) this.changed.add(key);
    else if (full === 0) this.held.add(holder, limits);
    resolve(full === 0 ? 'taken' : { full: slots[full - 1]!.scope });
  }
}
