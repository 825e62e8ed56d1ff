import { setTimeout as sleep } from 'node:timers/promises';
import { fullJitter } from '@tocsin/timing';

/** The world may be away for hours: long enough apart to leave it alone, short enough to go on soon. */
const BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };

/**
 * What the lanes of a source know together of a world that is away. The first batch that comes back begins it, the first
 * that is settled ends it. Meanwhile one of them asks for all, with back-off and jitter, and nobody takes anything more.
 *
 * What was in hand when a connection is lost counts as delivered once more, and a message that was delivered too often is
 * given up. Therefore whoever loses its channel during an outage does not consume again before the world has answered: an
 * outage costs a message one delivery, however long it lasts and however often the connection is lost.
 */
export class Outage {
  private failures = 0;
  private asking: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  /** `answers`: whether the world is there again. May reject, which means no. */
  constructor(
    private readonly answers: () => Promise<boolean>,
    private readonly onChange: (lasting: boolean) => void = () => undefined,
  ) {}

  get lasting(): boolean {
    return this.failures > 0;
  }

  /** A batch came back. Resolves when it is time to try again, or when the source is stopping. */
  begin(): Promise<void> {
    if (!this.asking && this.failures++ === 0) this.onChange(true);
    return this.untilAnswered();
  }

  /** A batch was settled. */
  end(): void {
    if (this.failures === 0) return;
    this.failures = 0;
    this.onChange(false);
  }

  /** Resolves at once when there is no outage, else when the world has answered, or when the source is stopping. */
  untilAnswered(): Promise<void> {
    if (!this.lasting) return Promise.resolve();
    return (this.asking ??= this.ask().finally(() => (this.asking = undefined)));
  }

  stop(): void {
    this.stopping.abort();
  }

  private async ask(): Promise<void> {
    for (; this.lasting; this.failures += 1) {
      await sleep(fullJitter(this.failures - 1, BACK_OFF), undefined, { signal: this.stopping.signal }).catch(
        () => undefined,
      );
      if (this.stopping.signal.aborted || (await this.answers().catch(() => false))) return;
    }
  }
}
