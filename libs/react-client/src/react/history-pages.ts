import type { Entry, EntryPage } from '@tocsin/contracts/wire';
import type { Gap } from '../stream/status';

/** What is known of the history of one alert: its newest entries without a hole, the newest first. */
export interface HistoryPages {
  /** The alert's id. */
  of: string;
  entries: readonly Entry[];
  /** Asks for older entries; null: there are none. */
  next: string | null;
}
type Known = HistoryPages | undefined;

/** What is known after an entry was heard. */
export function withEntry(before: Known, alertId: string, entry: Entry): Known {
  if (entry.alert_id !== alertId) return before;
  const known = before?.of === alertId ? before : { of: alertId, entries: [], next: null };
  return { ...known, entries: merged(known.entries, [entry]) };
}

/** What is known after a page was loaded: the first, or the one that `after` asked for. */
export function withPage(before: Known, alertId: string, page: EntryPage, after: string | null): Known {
  // of an alert that is no longer shown, or asked for before the first page was loaded again: a hole would be between
  if (after !== null && (before?.of !== alertId || before.next !== after)) return before;
  const known = before?.of === alertId ? before.entries : [];
  // the first page replaces what is known, except for entries that arrived while it was loaded
  const kept = after ? known : known.filter(({ seq }) => seq > (page.events[0]?.seq ?? 0));
  return { of: alertId, entries: merged(kept, page.events), next: page.next };
}

/**
 * What is known after a gap, and whether the first page has to be loaded again: entries of the alert may have been
 * missed. Entries of a log that was replaced are of no use, as its numbers begin again.
 */
export function afterGap(before: Known, alertId: string, { tenants }: Gap): { known: Known; reload: boolean } {
  const tenant = before?.of === alertId ? before.entries[0]?.tenant_id : undefined;
  if (tenant === undefined) return { known: before, reload: true };
  const gap = tenants.find(({ tenant_id }) => tenant_id === tenant);
  return { known: gap?.reason === 'history_replaced' ? undefined : before, reload: gap !== undefined };
}

/** Both, each entry once, the newest first. */
function merged(before: readonly Entry[], more: readonly Entry[]): Entry[] {
  const bySeq = new Map([...before, ...more].map((entry) => [entry.seq, entry]));
  return [...bySeq.values()].sort((a, b) => b.seq - a.seq);
}
