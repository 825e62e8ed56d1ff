import type { Entry, Severity } from '@tocsin/contracts/wire';
import { rung, without } from './use-ringing';

const an = (alert_id: string, severity: Severity) => ({ alert_id, severity }) as Entry;
const after = (...entries: Entry[]) =>
  entries.reduce(rung, { all: [] as readonly Entry[], shown: null as string | null });

test('a newer alert is counted and does not take the place of the shown one, unless it is worse', () => {
  expect(after(an('a', 'high'), an('b', 'high'), an('c', 'medium')).shown).toBe('a');
  expect(after(an('a', 'high'), an('b', 'urgent'), an('c', 'urgent')).shown).toBe('b');
});

test('a repeat is the same alert, in its newest words', () => {
  const all = after(an('a', 'high'), an('b', 'high'), an('a', 'urgent'));
  expect(all).toEqual({ all: [an('b', 'high'), an('a', 'urgent')], shown: 'a' });
});

test('after the shown one is dealt with, the others are only counted, until another rings', () => {
  const left = without(after(an('a', 'urgent'), an('b', 'urgent')), 'a');
  expect(left).toEqual({ all: [an('b', 'urgent')], shown: null });
  expect(rung(left, an('c', 'medium')).shown).toBe('c');
});

test('of a flood the newest hundred are kept', () => {
  const flood = after(...Array.from({ length: 150 }, (_, n) => an(`a${n}`, 'high')));
  expect(flood.all).toHaveLength(100);
});
