import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a piece of work keeps the event loop: streams and other requests wait for as long. Milliseconds. */
const SLICE_MS = 10;

/** Divides the work of one request into slices, between which everything else has its turn. */
export class Slices {
  private until = performance.now() + SLICE_MS;

  /** Asked between two small pieces of work: true when it is time for `next`. */
  get isOver(): boolean {
    return performance.now() >= this.until;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.until = performance.now() + SLICE_MS;
  }
}
