import type { Alert, Severity } from '@tocsin/contracts/wire';
import { groupsOf } from './groups';

const alert = (name: string | null, severity: Severity, last_seen_at: string) =>
  ({ service: 'oven', name, severity, last_seen_at }) as Alert;

test('a group has the severity of its worst alert and shows its newest alert, and the worst group is first', () => {
  const groups = groupsOf(
    [
      alert('cold', 'low', '2026-01-01T10:00Z'),
      alert('smoke', 'high', '2026-01-01T09:00Z'),
      alert('cold', 'urgent', '2026-01-01T08:00Z'),
      alert(null, 'high', '2026-01-01T11:00Z'),
    ],
    'name',
  );
  expect(
    groups.map(({ key, count, severity, newest }) => [key, count, severity, newest.last_seen_at.slice(11, 13)]),
  ).toEqual([
    ['cold', 2, 'urgent', '10'],
    ['', 1, 'high', '11'],
    ['smoke', 1, 'high', '09'],
  ]);
});
