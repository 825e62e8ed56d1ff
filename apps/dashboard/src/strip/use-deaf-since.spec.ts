import type { StreamState, StreamStatus } from '@tocsin/react-client';
import { asOf } from './use-deaf-since';

const status = (state: StreamState, knownUntil: number | null) =>
  ({ state, knownUntil, lastHeardAt: 40, since: 20 }) as StreamStatus;

test.each(['stale', 'reconnecting', 'offline', 'signed_out'] as const)(
  'a list is as of when the stream last told everything, or when it was loaded after that: %s',
  (state) => {
    // the last heartbeat came later, and said that the log could not be reached
    expect(asOf(status(state, 30), 10)).toBe(30);
    expect(asOf(status(state, 30), 50)).toBe(50);
    expect(asOf(status(state, null), 10)).toBe(10);
    expect(asOf(status(state, 30), null)).toBe(30);
    expect(asOf(status(state, null), null)).toBeNull();
  },
);

test('a list is up to date while the stream is, and while it is being connected', () => {
  for (const state of ['live', 'catching_up', 'connecting', 'closed'] as const)
    expect(asOf(status(state, 30), 10)).toBeNull();
});
