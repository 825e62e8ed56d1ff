import type { VerifiedToken } from '@tocsin/auth';
import { SeeHealth } from './see-health';

type Sources = ConstructorParameters<typeof SeeHealth>;
const SINCE = '2026-01-01T00:00:00.000Z';
const token = {} as VerifiedToken;
const seeing = (count: Sources[3]['count'], depth: Sources[4]['depth']) =>
  new SeeHealth(
    {
      dependencies: { redis: { status: 'down', critical: false, latency_ms: 1, since: SINCE } },
      unreadiness: 'draining',
    },
    { size: 3, closedSlow: 1 },
    { opened: [{ lastEntryAt: null }, { lastEntryAt: Date.parse(SINCE) }] as Sources[2]['opened'] },
    { count },
    { depth },
    { revokedFrom: () => new Set(['bakery']) } as unknown as Sources[5],
    20,
  ).now(token);
const noLetters: Sources[3]['count'] = () => Promise.resolve({ letters: 0, newest: null });

test('says what each source says, without the letters of a revoked tenant', async () => {
  const count = jest.fn(noLetters);
  const oldest = { channel: 'sms', due: 2, oldest_due_at: SINCE, waiting: 5 } as const;
  const health = await seeing(count, () => Promise.resolve([oldest]));
  expect(health).toMatchObject({
    dependencies: [{ name: 'redis', status: 'down', critical: false, since: SINCE }],
    not_ready: 'draining',
    streams: 3,
    closed_slow: 1,
    tenants: 2,
    last_entry_at: SINCE,
    dead_letters: 0,
  });
  expect(health.deliveries).toContainEqual({ channel: 'sms', due: 2, oldest_due_at: SINCE });
  expect(health.deliveries).toContainEqual({ channel: 'email', due: 0, oldest_due_at: null });
  expect(count.mock.calls[0]![0]).toEqual({ allBut: ['bakery'] });
});

test('a source that fails or does not answer makes its own value null, and no other', async () => {
  const failed = await seeing(
    () => Promise.reject(new Error('away')),
    () => Promise.resolve([]),
  );
  expect(failed.dead_letters).toBeNull();
  expect(failed.deliveries).toHaveLength(5);
  const silent = await seeing(noLetters, () => new Promise(() => {}));
  expect(silent).toMatchObject({ dead_letters: 0, deliveries: null, streams: 3 });
});
