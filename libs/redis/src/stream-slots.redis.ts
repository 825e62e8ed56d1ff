import { randomUUID } from 'node:crypto';
import {
  HeldStreams,
  slotsOf,
  type SlotScope,
  type StreamHolder,
  type StreamLimits,
  type StreamSlot,
} from '@tocsin/contracts';
import { StreamSlots, type TakeResult } from '@tocsin/contracts/ports';
import type { Metrics } from '@tocsin/observability';
import { within } from '@tocsin/timing';
import type { RedisConnection } from './connection';
import { BEAT, GIVE_BACK, STATE, TAKE } from './stream-slots.scripts';

interface RedisStreamSlotsOptions {
  /** Stands before every key. */
  prefix: string;
  /**
   * How long a silent gateway keeps its slots, in milliseconds. It sends three heartbeats in that time. Default 6,000.
   */
  lifetimeMs?: number;
}

/** The time that the port allows for a decision: no stream waits longer for a count. */
const ANSWER_WITHIN_MS = 300;
/**
 * After this time without a reply the connection counts as dead. It is shared, so a Redis that is merely slow keeps it.
 */
const DEAD_AFTER_MS = 2_000;
/**
 * After this many heartbeats every count is written to Redis anew, which repairs changes whose reply was lost. 30 s at
 * the default lifetime.
 */
const STATE_EVERY_BEATS = 15;
/** How long a hash outlives its last write. Longer than a few of those writes, so that only abandoned hashes expire. */
const KEEP_MS = 120_000;
/** How many slots one script writes: Redis serves no other client while a script runs. */
const SLOTS_A_SCRIPT = 500;

/** How many streams one script decides, each with a few slots. */
const STREAMS_A_SCRIPT = 100;

type Answer = 'taken' | { full: SlotScope } | 'away';

interface Question {
  slots: readonly StreamSlot[];
  resolve: (answer: Answer) => void;
}

/**
 * Counts streams in Redis. Each gateway's counts stand under an instance id of its own, and they are valid while its
 * key is kept alive. Redis decides, in one script for all streams of a turn of the event loop. When it does not reply
 * in time, this gateway's own counts decide, and are written to Redis afterwards. A lost connection ends the instance
 * id: changes that were on their way under it count for nothing.
 */
export class RedisStreamSlots extends StreamSlots {
  private readonly held = new HeldStreams();
  /** Slots whose count in Redis may differ from this gateway's count. */
  private readonly doubtful = new Set<string>();
  /** Slots that Redis is being asked for. This gateway's count of them is not written until the reply is known. */
  private readonly asked = new Map<string, number>();
  /** Streams that want slots in this turn of the event loop. They are sent together. */
  private questions: Question[] = [];
  /** Slots that were given back in this turn of the event loop. They are sent together. */
  private readonly givenBack = new Map<string, number>();
  private readonly lifetimeMs: number;
  private instance = randomUUID();
  /** How many requests Redis has not answered in time. While there are any, no other is sent. */
  private lateAnswers = 0;
  private beats = 0;
  private timer: NodeJS.Timeout | undefined;
  private stating = false;
  private closed = false;

  constructor(
    private readonly commands: RedisConnection,
    private readonly options: RedisStreamSlotsOptions,
    private readonly metrics: Metrics,
  ) {
    super();
    this.lifetimeMs = options.lifetimeMs ?? 6_000;
    commands.watch(() => {
      if (commands.connected && this.timer) void this.startAnew();
    });
  }

  override async take(holder: StreamHolder, limits: StreamLimits): Promise<TakeResult> {
    const slots = slotsOf(holder, limits);
    if (slots.length === 0 || this.held.has(holder)) return 'taken';
    if (this.closed) return this.takeAlone(holder, limits, slots);
    this.timer ??= setInterval(() => void this.beat(), this.lifetimeMs / 3);
    if (this.lateAnswers > 0) return this.takeAlone(holder, limits, slots);

    for (const { key } of slots) this.asked.set(key, (this.asked.get(key) ?? 0) + 1);
    const asking = this.ask(slots);
    const answer = await within(ANSWER_WITHIN_MS, asking, () => 'late' as const);
    if (answer === 'late') {
      this.lateAnswers += 1;
      void asking.then(() => {
        this.lateAnswers -= 1;
        this.answered(slots);
      });
      return this.takeAlone(holder, limits, slots);
    }
    const result = answer === 'away' ? this.takeAlone(holder, limits, slots) : answer;
    if (result === 'taken') this.held.add(holder, limits);
    this.answered(slots);
    return result;
  }

  override release(holder: StreamHolder): void {
    const slots = this.held.remove(holder);
    if (slots.length === 0 || this.closed) return;
    if (this.givenBack.size === 0) setImmediate(() => this.giveBack());
    for (const { key } of slots) this.givenBack.set(key, (this.givenBack.get(key) ?? 0) + 1);
  }

  /** Stops counting, and gives back at once all slots that are still taken. May be called twice. */
  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (!this.closed && this.commands.connected) {
      this.commands.run('slots', DEAD_AFTER_MS, (client) => client.del(this.gatewayKey)).catch(() => {});
    }
    this.closed = true;
  }

  private takeAlone(holder: StreamHolder, limits: StreamLimits, slots: readonly StreamSlot[]): TakeResult {
    this.metrics.streamSlotsLocal.inc();
    const full = this.held.fullScope(slots);
    if (full) return { full };
    this.held.add(holder, limits);
    for (const { key } of slots) this.doubtful.add(key);
    return 'taken';
  }

  /** Asks Redis, together with all other streams of this turn of the event loop. Never rejects. */
  private ask(slots: readonly StreamSlot[]): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.questions.push({ slots, resolve }) === 1) setImmediate(() => this.askAll());
    });
  }

  private askAll(): void {
    // slots that were given back before must be free for this request
    this.giveBack();
    const all = this.questions;
    this.questions = [];
    for (let from = 0; from < all.length; from += STREAMS_A_SCRIPT)
      void this.askSome(all.slice(from, from + STREAMS_A_SCRIPT));
  }

  private async askSome(questions: readonly Question[]): Promise<void> {
    const keys = questions.flatMap(({ slots }) => slots.map(({ key }) => this.slotKey(key)));
    const counts = questions.flatMap(({ slots }) => [
      slots.length,
      ...slots.flatMap(({ key, limit }) => [limit, this.held.countOf(key)]),
    ]);
    try {
      const [lost, ...full] = (await this.commands.run('slots', DEAD_AFTER_MS, (client) =>
        client.eval(
          TAKE,
          1 + keys.length,
          this.gatewayKey,
          ...keys,
          this.instance,
          `${this.options.prefix}gateway:`,
          this.lifetimeMs,
          KEEP_MS,
          ...counts,
        ),
      )) as number[];
      if (lost) this.doubtAll();
      questions.forEach(({ slots, resolve }, i) =>
        resolve(full[i] === 0 ? 'taken' : { full: slots[full[i]! - 1]!.scope }),
      );
    } catch {
      for (const { slots, resolve } of questions) {
        // Redis may have taken the slots all the same
        for (const { key } of slots) this.doubtful.add(key);
        resolve('away');
      }
    }
  }

  private answered(slots: readonly StreamSlot[]): void {
    for (const { key } of slots) {
      const others = this.asked.get(key)! - 1;
      if (others > 0) this.asked.set(key, others);
      else this.asked.delete(key);
    }
  }

  private giveBack(): void {
    const all = [...this.givenBack];
    this.givenBack.clear();
    for (let from = 0; from < all.length; from += SLOTS_A_SCRIPT) {
      const some = all.slice(from, from + SLOTS_A_SCRIPT);
      const keys = some.map(([key]) => this.slotKey(key));
      this.commands
        .run('slots', DEAD_AFTER_MS, (client) =>
          client.eval(GIVE_BACK, keys.length, ...keys, this.instance, ...some.map(([, count]) => count)),
        )
        .catch(() => some.forEach(([key]) => this.doubtful.add(key)));
    }
  }

  /** The connection is new, so the instance id is too, and all counts are written under it. */
  private async startAnew(): Promise<void> {
    const before = this.gatewayKey;
    this.instance = randomUUID();
    this.doubtful.clear();
    this.givenBack.clear();
    this.doubtAll();
    try {
      await this.commands.run('slots', DEAD_AFTER_MS, (client) =>
        client.multi().del(before).set(this.gatewayKey, '1', 'PX', this.lifetimeMs).exec(),
      );
      await this.state();
    } catch {
      // the next heartbeat finds that the key is missing
    }
  }

  private async beat(): Promise<void> {
    if (this.held.size + this.doubtful.size + this.asked.size + this.givenBack.size === 0) {
      // no stream is counted, so no key needs to be kept alive
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    if (!this.commands.connected) return;
    this.beats += 1;
    try {
      const lost = await this.commands.run('slots', DEAD_AFTER_MS, (client) =>
        client.eval(BEAT, 1, this.gatewayKey, this.lifetimeMs),
      );
      if (lost || this.beats % STATE_EVERY_BEATS === 0) this.doubtAll();
      await this.state();
    } catch {
      // the next heartbeat tries again; the slots stay doubtful
    }
  }

  /** Writes this gateway's count of every doubtful slot. Calls that overlap share one run. */
  private async state(): Promise<void> {
    if (this.stating) return;
    this.stating = true;
    try {
      for (let some = this.nextDoubtful(); some.length > 0 && !this.closed; some = this.nextDoubtful()) {
        await this.stateSome(some);
      }
    } finally {
      this.stating = false;
    }
  }

  private async stateSome(some: readonly string[]): Promise<void> {
    for (const key of some) this.doubtful.delete(key);
    // slots that were given back must leave first, or they would lower the new count again
    this.giveBack();
    const keys = some.map((key) => this.slotKey(key));
    const counts = some.map((key) => this.held.countOf(key));
    try {
      await this.commands.run('slots', DEAD_AFTER_MS, (client) =>
        client.eval(STATE, keys.length, ...keys, this.instance, KEEP_MS, ...counts),
      );
    } catch (error) {
      for (const key of some) this.doubtful.add(key);
      throw error;
    }
  }

  private nextDoubtful(): string[] {
    const next: string[] = [];
    for (const key of this.doubtful) {
      if (next.length === SLOTS_A_SCRIPT) break;
      if (!this.asked.has(key)) next.push(key);
    }
    return next;
  }

  private doubtAll(): void {
    for (const key of this.held.keys()) this.doubtful.add(key);
  }

  private get gatewayKey(): string {
    return `${this.options.prefix}gateway:${this.instance}`;
  }

  private slotKey(key: string): string {
    return `${this.options.prefix}streams:${key}`;
  }
}
