import type { Delivery } from '@tocsin/contracts/ports';

/** One statement's worth: larger batches store no more a second and hold locks for longer. */
export const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/**
 * While a batch is under way, what arrives is kept for the next one: a batch costs as much as twenty messages, here, in the
 * log and at the broker. Not when so many wait, nor for longer than this, in milliseconds, behind one that is slow.
 */
const WORTH_A_BATCH = 64;
const JOIN_FOR_MS = 25;

/**
 * What has arrived and is in no batch yet. An idle lane hands over at once what came in one turn of the event loop; beside
 * batches under way it joins what arrives, and hands over at most `maxUnderWay` side by side.
 */
export class Arrivals {
  private waiting: Delivery[] = [];
  private underWay = 0;
  private tick: NodeJS.Immediate | undefined;
  private overdue: NodeJS.Timeout | undefined;

  constructor(
    private readonly maxUnderWay: number,
    /** Takes a batch, which is under way until `ended` is called for it. */
    private readonly handOver: (batch: Delivery[]) => void,
  ) {}

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  add(delivery: Delivery): void {
    this.waiting.push(delivery);
    this.handOverSoon();
  }

  /** A batch is no longer under way. */
  ended(): void {
    this.underWay -= 1;
    this.handOverSoon();
  }

  /** Forgets what waits, and gives it back. */
  clear(): Delivery[] {
    this.forgetOverdue();
    return this.waiting.splice(0);
  }

  /** Hands over what waits, or leaves it for the end of the batch under way. `isOverdue`: it has been left for long enough. */
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

  /** With the rest of what comes in the same chunk from the socket. */
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
