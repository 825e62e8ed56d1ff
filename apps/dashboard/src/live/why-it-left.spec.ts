import type { Alert } from '@tocsin/contracts/wire';
import { whyItLeft } from './why-it-left';

const alert = (change: Partial<Alert> = {}) =>
  ({ alert_id: 'a', status: 'firing', assignee: 'ana', severity: 'high', last_seq: 1, ...change }) as Alert;

it.each([
  ['the status changed', { status: 'snoozed', last_seq: 2 }, 'status'],
  ['it was unassigned', { assignee: null, last_seq: 2 }, 'unassigned'],
  ['it was given to another user', { assignee: 'ben', last_seq: 2 }, 'assigned'],
  ['something else about it changed', { severity: 'low', last_seq: 2 }, 'no_match'],
  ['nothing about it is known to have changed', {}, 'unknown'],
] as const)('a row says why it leaves: %s', (_, change, why) => {
  expect(whyItLeft({ was: alert(), now: alert(change) })).toBe(why);
});

test('a row whose alert is not known says nothing', () => {
  expect(whyItLeft({ was: alert(), now: undefined })).toBe('unknown');
});
