import { setTimeout as sleep } from 'node:timers/promises';
import { fullJitter } from '@tocsin/timing';

/**
 * The back-off between questions. An outage may last for hours: the pauses are long enough to spare a dependency, and
 * short enough to continue soon.
 */
const BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };

/**
 * An outage of the dependencies, shared by all lanes of a source. It begins with the first batch that has to be tried
 * again, and ends with the first batch that is settled. Meanwhile one question is asked for all lanes, with back-off
 * and jitter, and no lane takes more messages.
 *
 * When a connection is lost, each unsettled message counts as delivered once more, and a message that was delivered too
 * often is given up. Therefore a lane that loses its channel during an outage does not consume again until the
 * dependencies answer: an outage costs a message one delivery, however long it lasts and however often the connection
 * is lost.
 */
export class Outage {
  private failures = 0;
  private asking: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  /** `answers` asks whether the dependencies are there again. A rejection means no. */
  constructor(
    private readonly answers: () => Promise<boolean>,
    private readonly onChange: (lasting: boolean) => void = () => undefined,
  ) {}

  get lasting(): boolean {
    return this.failures > 0;
  }

  /** A batch has to be tried again. Resolves when it is time to do so, or when the source is stopping. */
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

  /**
   * Resolves at once when there is no outage; else when the dependencies answer again, or when the source is stopping.
   */
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
