/** Set for the processes under test, so that floods are short. */
export const FOLD_AFTER = 3;
export const FOLD_WINDOW_MS = 1_000;

/** When something was stored, as known from outside: between the request and its response, in epoch milliseconds. */
export interface During {
  from: number;
  to: number;
}

/** Rounding may lose a millisecond. */
const ROUNDING_MS = 2;

/**
 * The first repeat of an open alert opens a window, and the first repeat after its end opens the next one. In a window
 * `FOLD_AFTER` repeats get an entry, and the others are folded.
 */
export class FoldWindow {
  private opened: During | null = null;
  private repeats = 0;
  /**
   * A repeat came at the end of a window, and belongs to it or opened the next one: both are possible until an entry
   * decides.
   */
  private isUnsure = false;
  private last: 'stored' | 'folded' = 'stored';

  /** What a repeat becomes. `either`: only the event log can tell. */
  judge(during: During): 'stored' | 'folded' | 'either' {
    if (this.isSurelyOver(during)) return 'stored';
    if (this.isUnsure) return 'either';
    if (this.repeats < FOLD_AFTER) return 'stored';
    return this.isSurelyWithin(during) ? 'folded' : 'either';
  }

  /** Counts a repeat that was stored or folded. */
  count(during: During, became: 'stored' | 'folded'): void {
    const isAfterAll = became === 'stored' && (this.isUnsure ? this.last === 'folded' : this.repeats >= FOLD_AFTER);
    this.last = became;
    if (this.isSurelyOver(during) || isAfterAll) {
      this.opened = during;
      this.repeats = 1;
      this.isUnsure = false;
    } else if (this.isUnsure) {
      this.opened = { from: this.opened!.from, to: during.to };
    } else if (this.isSurelyWithin(during) || became === 'folded') {
      this.repeats += 1;
    } else {
      this.opened = { from: this.opened!.from, to: during.to };
      this.isUnsure = true;
    }
  }

  /** Whether the folded repeats of this window may become an entry at this time. */
  mayBeOverAt = (time: number): boolean =>
    this.opened !== null && time >= this.opened.from + FOLD_WINDOW_MS - ROUNDING_MS;

  private isSurelyOver = ({ from }: During): boolean =>
    !this.opened || from > this.opened.to + FOLD_WINDOW_MS + ROUNDING_MS;
  private isSurelyWithin = ({ to }: During): boolean =>
    this.opened !== null && to < this.opened.from + FOLD_WINDOW_MS - ROUNDING_MS;
}
