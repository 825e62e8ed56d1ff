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
  /**
   * How many alerts of one tenant, status and severity are counted when tenants are compared. It is not shared: each
   * tenant's number is as good as if it were asked for alone.
   */
  countedEach: number;
}
export const BOUNDS: AlertBounds = { walked: 12_000, lookedAt: 1_500, counted: 20_000, countedEach: 1_000 };
