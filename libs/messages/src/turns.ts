import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long one piece of work may block the event loop. */
const SLICE_MS = 5;

/** Splits long work into slices: `if (turns.over) await turns.next()` between two pieces of it. */
export class Turns {
  private until = performance.now() + SLICE_MS;

  /** Whether the time of this slice is over. */
  get over(): boolean {
    return performance.now() >= this.until;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.until = performance.now() + SLICE_MS;
  }
}
