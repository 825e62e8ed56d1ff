import { within } from '@tocsin/timing';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a stop waits for the work in hand. */
const STOP_WITHIN_MS = 5_000;

/**
 * Work that comes round again: one run at a time, the next `everyMs` after the last has ended, give or take a tenth, so
 * that several processes do not keep meeting. `work` catches what it expects; what it throws goes to `failed`.
 */
export class Recurring {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly everyMs: number,
    private readonly work: (signal: AbortSignal) => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** The first run begins after one interval. May be called twice. */
  start(): void {
    this.running ??= this.run();
  }

  /** No run begins any more, and the one in hand is told. Resolves when it has ended, or after 5 s. May be called twice. */
  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.running) await within(STOP_WITHIN_MS, this.running, () => undefined);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await sleep(this.everyMs * (0.9 + Math.random() / 5), undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await this.work(signal).catch(this.failed);
    }
  }
}
