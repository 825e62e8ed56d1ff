import type { VerifiedToken } from '@tocsin/auth';
import type { ProcessState, QueueDepth } from '@tocsin/contracts';
import { RecentSamples } from '@tocsin/observability';
import { validatorOf } from '../docs/testing/validator';
import { HEALTH_SCHEMAS } from './health-schemas';
import { SeeHealth, streamCaps } from './see-health';

type Asked = ConstructorParameters<typeof SeeHealth>[1];
type Opened = ConstructorParameters<typeof SeeHealth>[0]['feeds']['opened'];
const SINCE = '2026-01-01T00:00:00.000Z';
const recentTotal = new RecentSamples(300_000, 10);
const busiestUsers = jest.fn(() => [{ user_id: 'ana', streams: 2 }]);
const token = {} as VerifiedToken;
const queue: QueueDepth = { queue: 'q', kind: 'urgent', messages: 3, includes_in_hand: true, oldest_at: SINCE };
const gateway: ProcessState = { app: 'gateway', version: '1', commit: 'c', started_at: SINCE, heard_at: SINCE };
const answers: Asked = {
  letters: { count: () => Promise.resolve({ letters: 0, newest: null }) },
  deliveries: { depth: () => Promise.resolve([]) },
  queues: { read: () => Promise.resolve([queue]) },
  processes: { heard: () => Promise.resolve([gateway]) },
};
const seeing = (asked: Partial<Asked> = {}) =>
  new SeeHealth(
    {
      health: {
        dependencies: { redis: { status: 'down', critical: false, latency_ms: 1, since: SINCE } },
        unreadiness: 'draining',
      },
      streams: { size: 3, closedSlow: 1, lastClosed: [{ reason: 'slow', at: SINCE }] },
      feeds: {
        opened: [
          { tenant: 'pub', streams: 1, lastEntryAt: null },
          { tenant: 'bakery', streams: 9, lastEntryAt: Date.parse(SINCE) },
          { tenant: 'cafe', streams: 2, lastEntryAt: null },
          { tenant: 'left', streams: 0, lastEntryAt: null },
        ] as Opened,
      },
      lifetimes: { busiestUsers },
      metrics: { total: { recent: recentTotal } },
      self: { version: '1', started_at: SINCE, weaknesses: ['tokens in the address end up in logs'] },
      limits: { gateway: 1_000, user: null, tenant: 4, address: null },
    },
    { ...answers, ...asked },
    { revokedFrom: () => new Set(['bakery']) } as unknown as ConstructorParameters<typeof SeeHealth>[2],
    20,
  ).now(token);

test('says what each source says, without what belongs to a revoked tenant', async () => {
  const count = jest.fn(answers.letters.count);
  const oldest = { channel: 'sms', due: 2, oldest_due_at: SINCE, waiting: 5 } as const;
  const health = await seeing({ letters: { count }, deliveries: { depth: () => Promise.resolve([oldest]) } });
  expect(health).toMatchObject({
    dependencies: [{ name: 'redis', status: 'down', critical: false, since: SINCE }],
    not_ready: 'draining',
    streams: 3,
    closed_slow: 1,
    closed: [{ reason: 'slow', at: SINCE }],
    tenants: 4,
    last_entry_at: SINCE,
    dead_letters: 0,
    users: [{ user_id: 'ana', streams: 2 }],
    limits: { gateway: 1_000, user: null, tenant: 4, address: null },
    queues: [queue],
    processes: [gateway],
    weaknesses: ['tokens in the address end up in logs'],
  });
  expect(health.busiest_tenants).toEqual([
    { tenant_id: 'cafe', streams: 2 },
    { tenant_id: 'pub', streams: 1 },
  ]);
  expect(busiestUsers).toHaveBeenCalledWith(new Set(['bakery']), 10);
  expect(health.deliveries).toContainEqual({ channel: 'sms', due: 2, oldest_due_at: SINCE });
  expect(health.deliveries).toContainEqual({ channel: 'email', due: 0, oldest_due_at: null });
  expect(count.mock.calls[0]![0]).toEqual({ allBut: ['bakery'] });
});

test('a source that fails or does not answer makes its own value null, and no other', async () => {
  const failed = await seeing({
    letters: { count: () => Promise.reject(new Error('away')) },
    queues: { read: () => Promise.reject(new Error('away')) },
  });
  expect([failed.dead_letters, failed.queues]).toEqual([null, null]);
  expect([failed.deliveries!.length, failed.processes]).toEqual([5, [gateway]]);
  const never = () => new Promise<never>(() => {});
  const silent = await seeing({ deliveries: { depth: never }, processes: { heard: never } });
  expect(silent).toMatchObject({ dead_letters: 0, queues: [queue], deliveries: null, processes: null, streams: 3 });
});

test('says how fast alerts reached the streams once one was sent, and before that nothing', async () => {
  expect((await seeing()).delivery).toBeNull();
  for (const ms of [40, 10, 30]) recentTotal.add(ms, performance.now());
  const health = await seeing();
  expect(health.delivery).toEqual({ window_seconds: 300, samples: 3, p50_ms: 30, p99_ms: 40 });
  const fits = validatorOf({ components: { schemas: HEALTH_SCHEMAS } })(HEALTH_SCHEMAS.SystemHealth);
  for (const answer of [health, { ...health, delivery: null, queues: null, processes: null }])
    expect([fits(answer), fits.errors]).toEqual([true, null]);
  expect(fits({ ...health, delivery: { ...health.delivery, samples: 0 } })).toBe(false);
});

test('a limit of 0 is none', () => {
  const settings = { MAX_STREAMS: 5, STREAMS_PER_USER: 0, STREAMS_PER_TENANT: 7, STREAMS_PER_ADDRESS: 0 };
  expect(streamCaps(settings)).toEqual({ gateway: 5, user: null, tenant: 7, address: null });
});
