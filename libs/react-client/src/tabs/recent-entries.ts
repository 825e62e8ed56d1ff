import { covers } from '../stream/position';
import type { Told } from '../stream/told';

/** What the leading tab keeps for tabs that come in late. */
const MAX_RECENT = 1_000;

/** The last frames of a stream that carried an entry, with where they begin: a tab whose place lies within needs no connection of its own. */
export class RecentEntries {
  private recent: Told[] = [];
  /** Behind what was dropped. */
  private begin: string | null = null;
  private end: string | null = null;

  add(told: Told): void {
    const { event, cursor } = told;
    // a stream that goes on elsewhere than where the last one ended
    if (event === 'connection' && cursor !== this.end) {
      this.recent = [];
      this.begin = cursor;
    }
    this.end = cursor;
    if (event !== 'inventory_alert' && event !== 'notification' && event !== 'alert_update') return;
    this.recent.push(told);
    // in slices: to shift one at a time would move all of them each time
    if (this.recent.length < 2 * MAX_RECENT) return;
    this.begin = this.recent[MAX_RECENT - 1]!.cursor;
    this.recent = this.recent.slice(MAX_RECENT);
  }

  /** What follows a place; null: the place lies before what is kept, or in another history. Some of it may have been heard. */
  since(cursor: string): Told[] | null {
    if (this.begin === null || !covers(cursor, this.begin)) return null;
    const at = this.recent.findIndex((told) => told.cursor === cursor);
    return at < 0 ? this.recent : this.recent.slice(at + 1);
  }
}
