import type { Entry } from '@tocsin/contracts/wire';
import { anEntry } from '../testing/frames';
import { isSettled, toastsAfter, type Toast } from './toasts-after';

/** The toasts after entries of one alert, each given as what differs from the entry that raised it. */
function after(...entries: Partial<Entry>[]): readonly Toast[] {
  return entries.reduce<readonly Toast[]>(
    (toasts, more, at) => toastsAfter(toasts, anEntry(1, { seq: at + 1, ...more }), true, 0),
    [],
  );
}
const shown = (...entries: Partial<Entry>[]) => after(...entries).map(({ severity, status }) => [severity, status]);

const previous = (status: Entry['status']): Entry['previous'] => ({ status, severity: 'high' });
const raised: Partial<Entry> = { change: 'raised' };
const acknowledged: Partial<Entry> = {
  change: 'acknowledged',
  status: 'acknowledged',
  actor: 'ana',
  previous: previous('firing'),
};
const worse: Partial<Entry> = {
  change: 'severity_raised',
  status: 'acknowledged',
  severity: 'urgent',
  previous: previous('acknowledged'),
};
const still: Partial<Entry> = { ...worse, previous: previous('acknowledged') };

test('an acknowledged alert that becomes more severe gets a toast, in the place of one that stood', () => {
  expect(shown(raised, acknowledged)).toEqual([]);
  expect(shown(raised, acknowledged, worse)).toEqual([['urgent', 'acknowledged']]);
  expect(shown(raised, worse)).toEqual([['urgent', 'acknowledged']]);
});

test.each<[string, Partial<Entry>]>([
  ['a repeat', { ...still, change: 'repeated' }],
  ['a note', { ...still, change: 'noted', actor: 'ben' }],
  ['another assignee', { ...still, change: 'assigned', actor: 'ben' }],
])('%s leaves that toast where it is', (_, entry) => {
  expect(shown(worse, entry)).toEqual([['urgent', 'acknowledged']]);
});

test.each<[string, Partial<Entry>[]]>([
  ['is resolved', [{ ...still, change: 'resolved', status: 'resolved' }]],
  ['is snoozed', [{ ...still, change: 'snoozed', status: 'snoozed', actor: 'ben' }]],
  [
    'is acknowledged anew',
    [
      { ...still, change: 'unacknowledged', status: 'firing', actor: 'ben' },
      { ...acknowledged, severity: 'urgent' },
    ],
  ],
])('that toast goes when the alert %s', (_, entries) => {
  expect(shown(worse, ...entries)).toEqual([]);
});

test('a repeat of an alert that was acknowledged without this page hearing it ends its toast', () => {
  expect(shown(raised, { ...still, change: 'repeated' })).toEqual([]);
});

test('a repeat renews the toast of a firing alert, and begins none', () => {
  const repeated: Partial<Entry> = { change: 'repeated', previous: previous('firing'), occurrences: 2 };
  expect(after(raised, repeated).map(({ occurrences }) => occurrences)).toEqual([2]);
  expect(after(repeated)).toEqual([]);
});

test('a toast is out of date when its alert is in another status than it says', () => {
  const [firing, known] = [after(raised)[0]!, after(worse)[0]!];
  expect([isSettled(firing, 'firing'), isSettled(firing, 'acknowledged')]).toEqual([false, true]);
  expect([isSettled(known, 'acknowledged'), isSettled(known, 'firing'), isSettled(known, 'resolved')]).toEqual([
    false,
    false,
    true,
  ]);
});
