import type { GapReason } from '@tocsin/contracts/wire';
import { anEntry, cursorAt } from '../testing/frames';
import { afterGap, withEntry, withPage, type HistoryPages } from './history-pages';

const ALERT = 'alert-000001';
const entry = (seq: number) => anEntry(seq, { alert_id: ALERT });
/** The entries of these numbers, the newest first. */
const page = (newest: number, oldest: number, next: string | null = null) => ({
  events: Array.from({ length: newest - oldest + 1 }, (_, n) => entry(newest - n)),
  next,
  cursor: cursorAt(newest),
});
const loaded = (newest: number, oldest: number, next: string | null = null) =>
  withPage(undefined, ALERT, page(newest, oldest, next), null);
const numbers = (known: HistoryPages | undefined) => known?.entries.map(({ seq }) => seq);
const gapOf = (tenant_id: string, reason: GapReason) => ({
  missed: null,
  tenants: [{ tenant_id, missed: null, reason }],
});

test('an entry that is heard while the first page is loaded stays above it, and is there once', () => {
  const heard = [3, 4].reduce((known, seq) => withEntry(known, ALERT, entry(seq)), loaded(2, 1));
  expect(numbers(withPage(heard, ALERT, page(3, 1), null))).toEqual([4, 3, 2, 1]);
  expect(withEntry(heard, ALERT, anEntry(5, { alert_id: 'another' }))).toBe(heard);
});

test('after a gap in its tenant the first page is loaded again, and no entry is missing among those that are shown', () => {
  const { known, reload } = afterGap(loaded(3, 1), ALERT, gapOf('bakery', 'retention'));
  expect([numbers(known), reload]).toEqual([[3, 2, 1], true]);
  const heard = withEntry(known, ALERT, entry(40));
  const again = withPage(heard, ALERT, page(39, 20, 'older'), null);
  expect(numbers(again)).toEqual(Array.from({ length: 21 }, (_, n) => 40 - n));
  expect(again?.next).toBe('older');
});

test('a gap in another tenant changes nothing', () => {
  const before = loaded(3, 1);
  expect(afterGap(before, ALERT, gapOf('far', 'retention'))).toEqual({ known: before, reload: false });
});

test('before anything is known, every gap may be one of the alert’s tenant', () =>
  expect(afterGap(undefined, ALERT, gapOf('far', 'retention')).reload).toBe(true));

test('of a log that was replaced nothing stays', () => {
  const { known, reload } = afterGap(loaded(30, 11, 'older'), ALERT, gapOf('bakery', 'history_replaced'));
  expect([numbers(known) ?? [], reload]).toEqual([[], true]);
  // the numbers begin again
  const heard = withEntry(known, ALERT, entry(2));
  expect(numbers(withPage(heard, ALERT, page(1, 1), null))).toEqual([2, 1]);
  expect(withPage(known, ALERT, page(10, 1), 'older')).toBe(known);
});

test('older entries that were asked for before the first page was loaded again leave no hole', () => {
  const again = withPage(loaded(20, 6, 'older than 6'), ALERT, page(40, 21, 'older than 21'), null);
  expect(withPage(again, ALERT, page(5, 1), 'older than 6')).toBe(again);
  expect(numbers(withPage(again, ALERT, page(20, 15, 'older than 15'), 'older than 21'))).toHaveLength(26);
});
