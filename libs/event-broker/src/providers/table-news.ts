import { setTimeout as sleep } from 'node:timers/promises';
import { fullJitter } from '@tocsin/timing/back-off';
import type { DatabaseClient, DatabasePool } from './database-pool';

export interface TableNewsOptions {
  pool: DatabasePool;
  channel: string;
  pollMs: number;
  /** Ends the listening. */
  signal: AbortSignal;
  onTrouble: (error: unknown) => void;
}

const BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };

/**
 * Wakes those who read the table when it may have something new. One connection of the pool listens for NOTIFY; what a
 * lost notification would have said, the next poll finds.
 */
export class TableNews {
  private readonly wakers = new Set<() => void>();
  private listening: Promise<void> | undefined;

  constructor(private readonly options: TableNewsOptions) {}

  /** May be called more than once. */
  listen(): void {
    this.listening ??= this.hear();
  }

  /** Resolves on a notification, when the signal aborts, and after `pollMs` at the latest. */
  async wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let timer: NodeJS.Timeout | undefined;
    let wake = () => {};
    await new Promise<void>((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, this.options.pollMs);
      this.wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
    clearTimeout(timer);
    this.wakers.delete(wake);
    signal.removeEventListener('abort', wake);
  }

  /** Resolves when the listening has ended. */
  async ended(): Promise<void> {
    await this.listening;
  }

  /** Listens until the signal aborts. Never rejects: without notifications the readers poll. */
  private async hear(): Promise<void> {
    const { pool, channel, signal, onTrouble } = this.options;
    for (let failures = 0; !signal.aborted; failures += 1) {
      let client: DatabaseClient | undefined;
      try {
        client = await pool.connect();
        const listener = client;
        const lost = new Promise<never>((_, reject) => listener.on('error', reject as never));
        listener.on('notification', () => this.wake());
        const closed = new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
        await Promise.race([listener.query(`listen "${channel}"`), lost]);
        failures = 0;
        this.wake();
        await Promise.race([lost, signal.aborted ? undefined : closed]);
      } catch (error) {
        onTrouble(error);
      } finally {
        client?.removeAllListeners('notification');
        // the next user of the pool must not hear our notifications
        client?.release(true);
      }
      if (!signal.aborted) await sleep(fullJitter(failures, BACK_OFF), undefined, { signal }).catch(() => undefined);
    }
  }

  private wake(): void {
    for (const wake of [...this.wakers]) wake();
  }
}
