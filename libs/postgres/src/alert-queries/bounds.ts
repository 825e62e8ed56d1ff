/** The bounds of one question, over all its tenants together. */
export interface AlertBounds {
  /** How many alerts a list may walk over in the index to find those that pass its conditions: a microsecond each. */
  walked: number;
  /**
   * How many of these a search for words or labels may read from the table: a few microseconds each when they are
   * cached.
   */
  lookedAt: number;
  /** How many alerts a count may walk over in the index. */
  counted: number;
}
export const BOUNDS: AlertBounds = { walked: 12_000, lookedAt: 1_500, counted: 20_000 };
