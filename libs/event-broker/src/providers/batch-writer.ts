import { BrokerError } from '../broker-error';

interface Waiting<Item> {
  items: readonly Item[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** More than this may not wait for a provider that is slow or away. */
const MAX_WAITING_ITEMS = 100_000;

/**
 * Joins what is written at the same time: one write is under way, and what arrives meanwhile is the next one. Writes
 * keep their order. When a joined write fails, its parts are written one by one, so that one of them fails no other.
 */
export class BatchWriter<Item> {
  private waiting: Waiting<Item>[] = [];
  private waitingItems = 0;
  private working: Promise<void> | undefined;

  constructor(
    private readonly write: (items: readonly Item[]) => Promise<void>,
    private readonly maxBatch = 1_000,
  ) {}

  /** Resolves when the items are written. Rejects with the error of the write, or with `queue_full`. */
  add(items: readonly Item[]): Promise<void> {
    if (this.waitingItems + items.length > MAX_WAITING_ITEMS && this.waitingItems > 0)
      return Promise.reject(new BrokerError('queue_full'));
    this.waitingItems += items.length;
    const written = new Promise<void>((resolve, reject) => this.waiting.push({ items, resolve, reject }));
    this.working ??= this.work();
    return written;
  }

  /** Resolves when nothing waits. */
  async drained(): Promise<void> {
    await this.working;
  }

  private async work(): Promise<void> {
    // what is added in the same turn of the event loop belongs to the first batch
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) await this.writeTogether(this.next());
    this.working = undefined;
  }

  private next(): Waiting<Item>[] {
    let count = 0;
    let size = 0;
    while (count < this.waiting.length && (count === 0 || size + this.waiting[count]!.items.length <= this.maxBatch)) {
      size += this.waiting[count]!.items.length;
      count += 1;
    }
    this.waitingItems -= size;
    return this.waiting.splice(0, count);
  }

  private async writeTogether(parts: Waiting<Item>[]): Promise<void> {
    try {
      await this.write(parts.length === 1 ? parts[0]!.items : parts.flatMap(({ items }) => items));
      for (const { resolve } of parts) resolve();
    } catch (error) {
      if (parts.length === 1) return parts[0]!.reject(error);
      for (const part of parts) await this.writeTogether([part]);
    }
  }
}
