import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long work may hold the event loop before all else has its turn. */
const SLICE_MS = 5;

/** Long work in slices: `if (turns.over) await turns.next()` between any two pieces of it. */
export class Turns {
  private until = performance.now() + SLICE_MS;

  /** Whether this slice has had its time. */
  get over(): boolean {
    return performance.now() >= this.until;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.until = performance.now() + SLICE_MS;
  }
}
