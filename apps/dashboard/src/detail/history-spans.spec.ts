import type { Entry } from '@tocsin/contracts/wire';
import { saidThen, spansOf } from './history-spans';

const MINUTE = 60_000;
let seq = 0;
const entry = (
  minute: number,
  status: Entry['status'],
  previous: Partial<Entry['previous'] & object> | null,
  severity = 'high',
) =>
  ({
    seq: (seq += 1),
    status,
    severity,
    previous: previous && { severity, ...previous },
    received_at: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
  }) as Entry;
const history = () => {
  seq = 0;
  return [
    entry(0, 'firing', null),
    entry(4, 'firing', { status: 'firing', severity: 'high' }, 'urgent'),
    entry(5, 'firing', { status: 'firing', severity: 'urgent' }, 'urgent'),
    entry(10, 'acknowledged', { status: 'firing' }, 'urgent'),
    entry(14, 'resolved', { status: 'acknowledged' }, 'urgent'),
    entry(20, 'firing', { status: 'resolved' }, 'urgent'),
    entry(23, 'resolved', { status: 'firing' }, 'urgent'),
  ].reverse();
};

test('each state lasts until the next begins, a repeat begins none, and an alert was open since it was raised or re-opened', () => {
  expect([...spansOf(history())].sort(([a], [b]) => a - b)).toEqual([
    [1, { lasted: 4 * MINUTE }],
    [2, { lasted: 6 * MINUTE }],
    [4, { lasted: 4 * MINUTE }],
    [5, { openFor: 14 * MINUTE, lasted: 6 * MINUTE }],
    [6, { lasted: 3 * MINUTE }],
    [7, { openFor: 3 * MINUTE }],
  ]);
});

test('what only older entries could tell is left out', () => {
  const spans = spansOf(history().slice(0, 4));
  expect(spans.get(5)).toEqual({ lasted: 6 * MINUTE });
  expect(spans.get(7)).toEqual({ openFor: 3 * MINUTE });
});

test('an entry tells its own words when they are not the present ones, once', () => {
  const now = { title: 'Flour was delivered', message: null };
  const then = { title: 'Flour is low', message: '2 kg left' };
  expect(saidThen(then, undefined, now)).toEqual(then);
  expect(saidThen(then, then, now)).toEqual({ title: null, message: null });
  expect(saidThen(now, then, now)).toEqual({ title: null, message: null });
});
