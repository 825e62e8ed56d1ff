import type { VerifiedToken } from '@tocsin/auth';
import { RecentSamples } from '@tocsin/observability';
import { validatorOf } from '../docs/testing/validator';
import { WIRE_SCHEMAS } from '../docs/wire-schemas';
import { SeeHealth } from './see-health';

type Sources = ConstructorParameters<typeof SeeHealth>;
const SINCE = '2026-01-01T00:00:00.000Z';
const recentTotal = new RecentSamples(300_000, 10);
const busiestUsers = jest.fn(() => [{ user_id: 'ana', streams: 2 }]);
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
    { busiestUsers },
    { recentTotal },
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
    users: [{ user_id: 'ana', streams: 2 }],
  });
  expect(busiestUsers).toHaveBeenCalledWith(new Set(['bakery']), 10);
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

test('says how fast alerts reached the streams once one was sent, and before that nothing', async () => {
  const now = () => seeing(noLetters, () => Promise.resolve([]));
  expect((await now()).delivery).toBeNull();
  for (const ms of [40, 10, 30]) recentTotal.add(ms, performance.now());
  const health = await now();
  expect(health.delivery).toEqual({ window_seconds: 300, samples: 3, p50_ms: 30, p99_ms: 40 });
  const fits = validatorOf({ components: { schemas: WIRE_SCHEMAS } })(WIRE_SCHEMAS.SystemHealth);
  for (const answer of [health, { ...health, delivery: null }])
    expect([fits(answer), fits.errors]).toEqual([true, null]);
  expect(fits({ ...health, delivery: { ...health.delivery, samples: 0 } })).toBe(false);
});
