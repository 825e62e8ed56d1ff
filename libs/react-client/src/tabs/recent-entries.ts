import { covers } from '../stream/position';
import type { Told } from '../stream/told';

/** At least this many entries, and fewer than twice as many, are kept for tabs that join later. */
const MAX_RECENT = 1_000;

/**
 * The last frames of a stream that carried an entry, and the position where they begin. A tab that has missed only
 * these needs no connection of its own.
 */
export class RecentEntries {
  private recent: Told[] = [];
  /** The position after the last frame that was dropped. */
  private begin: string | null = null;
  private end: string | null = null;

  add(told: Told): void {
    const { event, cursor } = told;
    // what the frames before it lead to is not where the stream goes on
    if (event === 'reset' || (event === 'connection' && cursor !== this.end)) {
      this.recent = [];
      this.begin = cursor;
    }
    this.end = cursor;
    if (event !== 'inventory_alert' && event !== 'notification' && event !== 'alert_update') return;
    this.recent.push(told);
    // dropped in slices, because dropping one at a time would move all the others each time
    if (this.recent.length < 2 * MAX_RECENT) return;
    this.begin = this.recent[MAX_RECENT - 1]!.cursor;
    this.recent = this.recent.slice(MAX_RECENT);
  }

  /**
   * The frames after a position; the tab may have heard some of them. Null: the position is before the first kept
   * frame, or in another history.
   */
  since(cursor: string): Told[] | null {
    if (this.begin === null || !covers(cursor, this.begin)) return null;
    const at = this.recent.findIndex((told) => told.cursor === cursor);
    return at < 0 ? this.recent : this.recent.slice(at + 1);
  }
}
