import { HealthIndicatorService } from '@nestjs/terminus';
import { ConfigurationError } from '@tocsin/settings';
import { Health, StartAborted } from './health';
import { createLogger } from './logger';
import { Metrics } from './metrics';

const lines: string[] = [];
const log = createLogger({ app: 'test', destination: { write: (line: string) => void lines.push(line) } });
let health: Health;
let metrics: Metrics;

beforeEach(() => {
  lines.length = 0;
  metrics = new Metrics({ version: '1', commit: '', tenantLimit: 0 });
  health = new Health(new HealthIndicatorService(), log, metrics);
});
afterEach(() => {
  health.stop();
  jest.useRealTimers();
});

const up = () => Promise.resolve();
const down = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:5432'));

describe('readiness', () => {
  test('waits for the start, and until every reason is withdrawn', () => {
    expect(health.unreadiness).toBe('starting');
    health.ready();
    expect(health.unreadiness).toBeUndefined();
    health.notReady('full');
    health.notReady('draining');
    health.ready('full');
    expect(health.unreadiness).toBe('draining');
  });

  test('is lost when a dependency is down longer than the app can do without it', async () => {
    health.add('queue', down, { critical: false, unreadyAfterMs: 0 });
    health.add('directory', down, { critical: false });
    await health.waitUntilUp(1_000);
    health.ready();
    expect(health.unreadiness).toBe('queue_down');
  });
});

describe('the dependencies', () => {
  test('are unknown before the first check', () => {
    health.add('postgres', up, { critical: true });
    expect(health.dependencies).toMatchObject({ postgres: { status: 'unknown', latency_ms: null } });
  });

  test('follows a dependency down and up again, logging each change once', async () => {
    jest.useFakeTimers({ doNotFake: ['performance', 'nextTick', 'queueMicrotask', 'setImmediate'] });
    let check = up;
    health.add('redis', () => check(), { critical: false });
    health.start();
    const pass = async (ms: number) => {
      await jest.advanceTimersByTimeAsync(ms);
      await new Promise(setImmediate);
    };
    await pass(0);
    expect(health.dependencies.redis).toMatchObject({ status: 'up' });
    check = down;
    await pass(15_000);
    expect(health.dependencies.redis).toMatchObject({ status: 'down' });
    expect(await metrics.registry.metrics()).toContain('tocsin_dependency_up{dependency="redis"} 0');
    check = up;
    await pass(10_000);
    expect(health.dependencies.redis).toMatchObject({ status: 'up' });
    expect(await metrics.registry.metrics()).toContain('tocsin_dependency_up{dependency="redis"} 1');
    expect(lines.map((line) => JSON.parse(line) as { msg: string }).map(({ msg }) => msg)).toEqual([
      'a dependency is down',
      'a dependency is up again',
    ]);
  });
});

describe('waiting for dependencies', () => {
  test('ends when the critical ones are up, and names once those it waits for', async () => {
    let tries = 0;
    health.add('postgres', () => (++tries < 4 ? down() : up()), { critical: true });
    health.add('tenant_service', down, { critical: false });
    const told: string[][] = [];
    await health.waitUntilUp(10_000, (names) => told.push([...names]));
    expect(told).toEqual([['postgres']]);
    expect(tries).toBe(4);
  });

  test('gives up after its time, naming what is missing and keeping the cause', async () => {
    health.add('postgres', down, { critical: true });
    health.add('redis', up, { critical: true });
    const failure: Error = await health.waitUntilUp(300).then(
      () => fail('it resolved'),
      (error: Error) => error,
    );
    expect(failure.message).toMatch(/: postgres\.$/);
    expect((failure.cause as Error).message).toContain('ECONNREFUSED');
  });

  test('does not wait for a check that never answers', async () => {
    health.add('postgres', () => new Promise(() => {}), { critical: true });
    const before = performance.now();
    await expect(health.waitUntilUp(100)).rejects.toThrow('postgres');
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  test('ends at once with what waiting does not mend', async () => {
    const unmigrated = new ConfigurationError(['Run: npm run migrate']);
    health.add('queue', down, { critical: true });
    health.add('postgres', () => Promise.reject(unmigrated), { critical: true });
    await expect(health.waitUntilUp(60_000)).rejects.toBe(unmigrated);
  });

  test('ends at once when the process ends', async () => {
    health.add('postgres', down, { critical: true });
    const waiting = health.waitUntilUp(60_000);
    setImmediate(() => health.stop());
    await expect(waiting).rejects.toThrow(StartAborted);
  });
});
