import { Unavailable, type ClaimedDelivery, type Settlement } from '@tocsin/contracts';
import type { DeliveryQueue, Settled } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import { fullJitter } from '@tocsin/timing';
import { setMaxListeners } from 'node:events';
import type { Begins } from './begins';
import type { DeliveryChannel } from './channels/delivery-channel';
import type { Deliver } from './deliver';
import { LEASE_MS, type Held, type InHand } from './in-hand';
import { released } from './retry-policy';
import type { Settlements } from './settlements';

/** How often the pool asks the queue when the doorbell does not ring, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** The shortest wait after a claim that found less than it asked for, in milliseconds. */
const CLAIM_GAP_MS = 20;
/** The most deliveries that are claimed ahead, that is, before a place for their attempt is free. */
const MOST_AHEAD = 500;
/** A delivery that is claimed ahead should begin within this time, in milliseconds: another notifier may be idle. */
const AHEAD_MS = 1_000;
const BACK_OFF = { firstMs: 200, capMs: 5_000 };

/** What all pools of a process share. */
export interface PoolParts {
  queue: DeliveryQueue;
  deliver: Deliver;
  inHand: InHand;
  begins: Begins;
  settlements: Settlements;
  metrics: Metrics;
  log: Log;
}

/**
 * Sends the due deliveries of one channel, `limits.concurrency` at a time, so that a dead provider holds no places of
 * another channel. It claims some ahead, more as long as they are begun within a second, so that a fast channel need
 * not wait for each claim. Where a repetition does harm, each attempt is put on record just before it is made.
 */
export class ChannelPool {
  private readonly waiting: Held[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly aborting = new AbortController();
  /** Something may be due: the doorbell rang, or the last claim got all that it asked for. */
  private mayBeDue = true;
  private claiming: Promise<void> | undefined;
  private notBefore = 0;
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = 0;
  /** How many deliveries are claimed ahead at present. */
  private ahead: number;
  /** Attempts begun since the last claim. */
  private begun = 0;
  private adjustedAt = performance.now();

  constructor(
    private readonly channel: DeliveryChannel,
    private readonly parts: PoolParts,
  ) {
    this.ahead = channel.limits.concurrency;
    setMaxListeners(0, this.aborting.signal);
  }

  /** Makes the pool claim soon, since something may be due. */
  wake(): void {
    this.mayBeDue = true;
    this.turn();
  }

  /** Begins nothing more, and gives back the deliveries that have not begun. Attempts that are under way go on. */
  stop(): void {
    this.stopping.abort();
    clearTimeout(this.timer);
    for (const held of this.waiting.splice(0)) this.giveBack(held);
  }

  /** Resolves when no claim and no attempt is under way. */
  async ended(): Promise<void> {
    while (this.claiming || this.running.size > 0) await Promise.all([this.claiming, ...this.running]);
  }

  /** Ends the attempts that are under way. */
  abort(): void {
    this.aborting.abort();
  }

  private get atMostOnce(): boolean {
    return this.channel.promise === 'at_most_once';
  }

  /** Begins what can be begun, and claims when there is room and something may be due. */
  private turn(): void {
    if (this.stopping.signal.aborted) return;
    this.beginWaiting();
    const { concurrency } = this.channel.limits;
    const free = concurrency - this.running.size;
    const room = free + this.ahead - this.waiting.length;
    // while half of those claimed ahead still wait, a claim is not urgent, and a larger one costs less
    if (this.claiming || room <= 0 || (free === 0 && this.waiting.length > this.ahead / 2)) return;
    const wait = this.parts.settlements.congested ? LOOK_EVERY_MS / 10 : this.notBefore - performance.now();
    if (!this.mayBeDue) return this.turnAfter(LOOK_EVERY_MS * (0.9 + Math.random() / 5));
    if (wait > 0) return this.turnAfter(wait);
    this.adjustAhead(performance.now());
    this.claiming = this.claim(Math.max(1, free + this.ahead - this.waiting.length)).finally(() => {
      this.claiming = undefined;
      this.turn();
    });
  }

  /** Calls `turn` after a while, unless an earlier call is planned. */
  private turnAfter(ms: number): void {
    const at = performance.now() + ms;
    if (this.timer && this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.wake();
    }, ms);
  }

  private async claim(atMost: number): Promise<void> {
    const { queue, inHand, metrics, log } = this.parts;
    const { channel } = this.channel;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.mayBeDue = false;
    const claimedAt = inHand.now();
    try {
      const options = { atMost, leaseMs: LEASE_MS, atMostOnce: this.atMostOnce };
      const { deliveries, lost, cancelled } = await queue.claim(channel, options);
      if (lost > 0) metrics.deliveries.inc({ channel, outcome: 'unknown' }, lost);
      if (cancelled > 0) metrics.deliveries.inc({ channel, outcome: 'cancelled' }, cancelled);
      this.failures = 0;
      const full = deliveries.length + lost + cancelled >= atMost;
      if (full) this.mayBeDue = true;
      this.notBefore = full ? 0 : performance.now() + CLAIM_GAP_MS;
      for (const delivery of deliveries) this.take(delivery, claimedAt);
    } catch (error) {
      // the health checks report an unreachable store
      if (!(error instanceof Unavailable)) log.error({ err: error, channel }, 'deliveries could not be claimed');
      this.mayBeDue = true;
      this.notBefore = performance.now() + fullJitter(this.failures++, BACK_OFF);
    }
  }

  private take(delivery: ClaimedDelivery, claimedAt: number): void {
    const { held, before } = this.parts.inHand.take(delivery, claimedAt);
    // this process released the delivery before, but the store has not answered: it repeats that release, which would
    // end this claim too. So the delivery is given back instead of begun.
    if (before) void before.gone.then(() => this.giveBack(held));
    else if (this.stopping.signal.aborted) this.giveBack(held);
    else this.waiting.push(held);
  }

  private beginWaiting(): void {
    while (this.running.size < this.channel.limits.concurrency && this.waiting.length > 0) {
      const held = this.waiting.shift()!;
      if (!this.parts.inHand.mayBegin(held)) {
        this.giveBack(held);
        continue;
      }
      this.begun += 1;
      const attempt = this.attempt(held).finally(() => {
        this.running.delete(attempt);
        this.turn();
      });
      this.running.add(attempt);
    }
  }

  /** As many as were begun in a second since the last claim, and at most twice as many as before. */
  private adjustAhead(now: number): void {
    const perSecond = (this.begun / Math.max(1, now - this.adjustedAt)) * AHEAD_MS;
    this.begun = 0;
    this.adjustedAt = now;
    const most = Math.min(MOST_AHEAD, this.ahead * 2);
    this.ahead = Math.max(this.channel.limits.concurrency, Math.min(most, Math.floor(perSecond)));
  }

  private async attempt(held: Held): Promise<void> {
    if (this.atMostOnce && !(await this.mayBeMade(held))) return this.giveBack(held);
    const settlement = await this.parts.deliver.deliver(this.channel, held.delivery, this.aborting.signal);
    // not awaited: the place is free for the next delivery now
    this.settle(held, settlement);
  }

  /**
   * Puts the attempt on record. Not made after all: the delivery is lost, or the process was suspended or is to end.
   */
  private async mayBeMade(held: Held): Promise<boolean> {
    const { begins, inHand } = this.parts;
    return (await begins.begin(held)) && inHand.mayBegin(held) && !this.stopping.signal.aborted;
  }

  /** Takes the attempt back: it has not begun. If another worker has the delivery already, nothing changes. */
  private giveBack(held: Held): void {
    this.settle(held, released(held.delivery, 0));
  }

  private settle(held: Held, settlement: Settlement): void {
    const { settlements, inHand } = this.parts;
    void settlements.settle(settlement).then((settled) => {
      inHand.drop(held);
      this.count(settlement, settled);
    });
  }

  private count({ outcome }: Settlement, settled: Settled | undefined): void {
    const { channel } = this.channel;
    const { deliveries, deliveryAttempts } = this.parts.metrics;
    if (settled === undefined || settled === 'stale') return;
    if (outcome !== 'expired' && outcome !== 'released') deliveryAttempts.inc({ channel, outcome });
    if (settled !== 'pending' && settled !== 'superseded') deliveries.inc({ channel, outcome: settled });
  }
}
