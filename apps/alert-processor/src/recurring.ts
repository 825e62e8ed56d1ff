import { within } from '@tocsin/timing';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long `stop` waits for the present run, in milliseconds. */
const STOP_WITHIN_MS = 5_000;

/**
 * Runs work again and again, one run at a time. The next run begins `everyMs` after the end of the last one, plus or
 * minus 10 %, so that several processes do not stay in step. `work` catches the errors that it expects; `failed` gets
 * all others.
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

  /**
   * Begins no more runs, and aborts the signal of the present one. Resolves when it has ended, or after 5 s. May be
   * called twice.
   */
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
