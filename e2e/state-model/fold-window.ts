/** Set for the processes that are tested, so that floods are short. */
export const FOLD_AFTER = 3;
export const FOLD_WINDOW_MS = 1_000;

/** When something was stored, as far as it is known from outside: between the request and its answer, in epoch milliseconds. */
export interface During {
  from: number;
  to: number;
}

/** A millisecond is lost to rounding here and there. */
const ROUNDING_MS = 2;

/**
 * The first repeat of an open alert opens a window, and the first repeat after its end the next one. In a window so many
 * repeats have an entry, and the others are folded.
 */
export class FoldWindow {
  private opened: During | null = null;
  private repeats = 0;
  /** A repeat came at the end of a window, and belongs to it or opened the next: until that shows, all is possible. */
  private isUnsure = false;
  private last: 'stored' | 'folded' = 'stored';

  /** What a repeat becomes. `either`: only the log can tell. */
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

  /** Whether what was folded in this window may become an entry at this time. */
  mayBeOverAt = (time: number): boolean =>
    this.opened !== null && time >= this.opened.from + FOLD_WINDOW_MS - ROUNDING_MS;

  private isSurelyOver = ({ from }: During): boolean =>
    !this.opened || from > this.opened.to + FOLD_WINDOW_MS + ROUNDING_MS;
  private isSurelyWithin = ({ to }: During): boolean =>
    this.opened !== null && to < this.opened.from + FOLD_WINDOW_MS - ROUNDING_MS;
}
