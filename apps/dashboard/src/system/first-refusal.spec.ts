import type { RefusedMessage } from '@tocsin/contracts/wire';
import { firstRefusal } from './first-refusal';

const NOW = Date.parse('2026-01-02T12:00:00.000Z');
/** Letters of services, each so many minutes old, the newest first. */
const letters = (...all: [service: string | null, minutes: number][]) =>
  all.map(([service, minutes], at) => ({
    dead_letter_id: all.length - at,
    routing_key: service && `alert.high.${service}`,
    buried_at: new Date(NOW - minutes * 60_000).toISOString(),
  })) as RefusedMessage[];
const seen = (all: RefusedMessage[], isAll = true) => {
  const found = firstRefusal(all, isAll, NOW);
  return found && [found.service, found.letters, found.letter.dead_letter_id];
};

test('is the first one of its service, with all that it has sent since', () => {
  expect(seen(letters(['ovens', 1], ['till', 2], ['ovens', 3]))).toEqual(['till', 1, 2]);
  expect(seen(letters(['ovens', 1], ['ovens', 3]))).toEqual(['ovens', 2, 1]);
  expect(seen(letters([null, 1]))).toBeNull();
  expect(seen([])).toBeNull();
});

test('is news for an hour, and again a day after the last one', () => {
  expect(seen(letters(['ovens', 61]))).toBeNull();
  expect(seen(letters(['ovens', 1], ['ovens', 23 * 60]))).toBeNull();
  expect(seen(letters(['ovens', 1], ['ovens', 25 * 60]))).toEqual(['ovens', 1, 2]);
});

test('is not said where an earlier one may exist that is not known', () => {
  expect(seen(letters(['ovens', 1], ['till', 30]), false)).toBeNull();
  expect(seen(letters(['ovens', 1], ['till', 30 * 60]), false)).toEqual(['ovens', 1, 2]);
});
