import type { Entry } from '@tocsin/contracts/wire';

export interface Spans {
  /** How long the state that the entry began lasted, in milliseconds; absent: it lasts, or the entry began none. */
  lasted?: number;
  /** For an entry that resolved the alert: how long the alert had been open; absent: that is not known. */
  openFor?: number;
}

/**
 * How long the states of a history lasted, by the number of the entry. `entries` are the newest first, and may lack the
 * oldest: what only those could tell is left out. A state is a status with a severity.
 */
export function spansOf(entries: readonly Entry[]): ReadonlyMap<number, Spans> {
  const spans = new Map<number, Spans>();
  let began: { seq: number; at: number } | null = null;
  let openSince: number | null = null;
  for (const entry of [...entries].reverse()) {
    const { previous, status, severity } = entry;
    if (previous !== null && previous.status === status && (previous.severity ?? severity) === severity) continue;
    const at = Date.parse(entry.received_at);
    if (began) spans.set(began.seq, { ...spans.get(began.seq), lasted: at - began.at });
    const wasOpen = previous !== null && previous.status !== 'resolved';
    if (status === 'resolved' && wasOpen && openSince !== null) spans.set(entry.seq, { openFor: at - openSince });
    if (!wasOpen) openSince = status === 'resolved' ? null : at;
    began = { seq: entry.seq, at };
  }
  return spans;
}

/**
 * Whether an entry brought words that are not the alert's present ones: those of the older entries are not repeated.
 */
export function saidThen(
  entry: Pick<Entry, 'title' | 'message'>,
  older: Pick<Entry, 'title' | 'message'> | undefined,
  now: Pick<Entry, 'title' | 'message'>,
): { title: string | null; message: string | null } {
  const differs = (field: 'title' | 'message') =>
    entry[field] !== now[field] && entry[field] !== older?.[field] ? entry[field] : null;
  return { title: differs('title'), message: differs('message') };
}
