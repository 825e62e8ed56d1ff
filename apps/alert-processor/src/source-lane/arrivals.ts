import type { Delivery } from '@tocsin/contracts/ports';

/** The most messages and bytes of one batch. Larger batches store no more per second and hold locks for longer. */
export const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * While a batch is under way, arriving messages are kept for the next batch: a batch costs as much as twenty messages,
 * here, in the event log and at the broker. They are not kept once `WORTH_A_BATCH` of them wait, nor for longer than
 * `JOIN_FOR_MS` milliseconds behind a slow batch.
 */
const WORTH_A_BATCH = 64;
const JOIN_FOR_MS = 25;

/**
 * The messages that have arrived and are in no batch yet. An idle lane hands over at once what came in one turn of the
 * event loop. While batches are under way, arriving messages are joined, and at most `maxUnderWay` batches are under
 * way at the same time.
 */
export class Arrivals {
  private waiting: Delivery[] = [];
  private underWay = 0;
  private tick: NodeJS.Immediate | undefined;
  private overdue: NodeJS.Timeout | undefined;

  constructor(
    private readonly maxUnderWay: number,
    /** Takes a batch, which counts as under way until `ended` is called for it. */
    private readonly handOver: (batch: Delivery[]) => void,
  ) {}

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  add(delivery: Delivery): void {
    this.waiting.push(delivery);
    this.handOverSoon();
  }

  /** Tells that one batch is no longer under way. */
  ended(): void {
    this.underWay -= 1;
    this.handOverSoon();
  }

  /** Removes all waiting messages and returns them. */
  clear(): Delivery[] {
    this.forgetOverdue();
    return this.waiting.splice(0);
  }

  /**
   * Hands over the waiting messages, or keeps them until a batch under way ends. `isOverdue`: they have waited for
   * `JOIN_FOR_MS`.
   */
  handOverNow(isOverdue = false): void {
    clearImmediate(this.tick);
    this.tick = undefined;
    while (this.waiting.length > 0 && this.underWay < this.maxUnderWay) {
      if (this.underWay > 0 && this.waiting.length < WORTH_A_BATCH && !isOverdue) break;
      this.underWay += 1;
      this.handOver(this.nextBatch());
    }
    if (this.waiting.length > 0 && this.underWay < this.maxUnderWay)
      this.overdue ??= setTimeout(() => this.handOverLate(), JOIN_FOR_MS);
    else this.forgetOverdue();
  }

  /** Hands over at the end of this turn, together with the other messages of the same chunk from the socket. */
  private handOverSoon(): void {
    this.tick ??= setImmediate(() => this.handOverNow());
  }

  private handOverLate(): void {
    this.overdue = undefined;
    this.handOverNow(true);
  }

  private forgetOverdue(): void {
    clearTimeout(this.overdue);
    this.overdue = undefined;
  }

  private nextBatch(): Delivery[] {
    let size = 0;
    let bytes = 0;
    for (const { message } of this.waiting) {
      if (size === MAX_BATCH || (size > 0 && bytes + message.body.length > MAX_BATCH_BYTES)) break;
      size += 1;
      bytes += message.body.length;
    }
    return this.waiting.splice(0, size);
  }
}
