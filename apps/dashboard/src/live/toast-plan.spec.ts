import type { Entry } from '@tocsin/contracts/wire';
import { ToastPlanner } from './toast-plan';

const entry = (id: string, more: Partial<Entry> = {}) =>
  ({
    alert_id: id,
    change: 'raised',
    status: 'firing',
    severity: 'urgent',
    type: 'alert',
    actor: null,
    ...more,
  }) as Entry;

test('three toasts are shown, the others are counted', () => {
  const planner = new ToastPlanner();
  expect(['a', 'b', 'c'].map((id) => planner.plan(entry(id), 0).kind)).toEqual(['alert', 'alert', 'alert']);
  expect(planner.plan(entry('d', { severity: 'high' }), 0)).toEqual({ kind: 'more', count: 1, urgent: 0 });
  expect(planner.plan(entry('e'), 0)).toEqual({ kind: 'more', count: 2, urgent: 1 });
  planner.gone('a');
  planner.gone('more');
  expect(planner.plan(entry('f'), 5_000).kind).toBe('alert');
  expect(planner.plan(entry('g'), 5_000)).toEqual({ kind: 'more', count: 1, urgent: 1 });
});

test('a repeat renews its toast, and an act elsewhere ends it', () => {
  const planner = new ToastPlanner();
  planner.plan(entry('a'), 0);
  expect(planner.plan(entry('a', { change: 'repeated' }), 1)).toEqual({ kind: 'alert' });
  expect(planner.plan(entry('a', { change: 'acknowledged', status: 'acknowledged', actor: 'ana' }), 2)).toEqual({
    kind: 'settled',
  });
});

test('an alert that becomes urgent while it is acknowledged stands until it is over', () => {
  const planner = new ToastPlanner();
  const taken = { status: 'acknowledged' as const };
  expect(planner.plan(entry('a', { ...taken, change: 'severity_raised' }), 0)).toEqual({ kind: 'alert' });
  expect(planner.plan(entry('a', { ...taken, change: 'repeated' }), 1)).toEqual({ kind: 'alert' });
  // so that it is not taken for one that was acknowledged since
  expect([...planner.all()]).toEqual([['a', 'acknowledged']]);
  expect(planner.plan(entry('a', { change: 'resolved', status: 'resolved' }), 2)).toEqual({ kind: 'settled' });
});

test('the end of a snooze rings as the alert did, and a person who ends it does not', () => {
  const planner = new ToastPlanner();
  expect(planner.plan(entry('a', { change: 'unsnoozed', actor: 'ana' }), 0)).toEqual({ kind: 'none' });
  expect(planner.plan(entry('a', { change: 'unsnoozed' }), 1)).toEqual({ kind: 'alert' });
});

test.each([
  { severity: 'low' },
  { type: 'recommendation' },
  { change: 'repeated' },
  { change: 'resolved' },
  { actor: 'ana', change: 'reopened' },
] as Partial<Entry>[])('%j is no interruption', (more) => {
  expect(new ToastPlanner().plan(entry('a', more), 0)).toEqual({ kind: 'none' });
});

test('a burst is one toast that counts all its alerts', () => {
  const planner = new ToastPlanner();
  const kinds = Array.from({ length: 8 }, (_, n) =>
    planner.plan(entry(String(n), { severity: n === 7 ? 'high' : 'urgent' }), n * 100),
  );
  expect(kinds.map(({ kind }) => kind)).toEqual(['alert', 'alert', 'alert', 'more', 'more', 'burst', 'burst', 'burst']);
  expect(kinds.at(-1)).toEqual({ kind: 'burst', count: 8, urgent: 7 });
  expect(planner.clear()).toEqual(['0', '1', '2']);
  planner.gone('burst');
  expect(planner.plan(entry('later'), 60_000).kind).toBe('alert');
});
