import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { AdminServer } from './admin-server';
import { Health } from './health';
import { HealthChecks } from './health-checks';
import { createLogger } from './logger';
import { Metrics } from './metrics';

let terminus: INestApplicationContext;
let health: Health;
let checks: HealthChecks;
let server: AdminServer;
const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.address()!.port}${path}`, init);

beforeEach(async () => {
  terminus = await NestFactory.createApplicationContext(TerminusModule.forRoot({ logger: false }), { logger: false });
  const indicators = terminus.get(HealthIndicatorService);
  const metrics = new Metrics({ version: '1.2.3', commit: 'abc', tenantLimit: 1 });
  health = new Health(indicators, createLogger({ app: 'test', level: 'silent' }), metrics);
  checks = new HealthChecks(terminus.get(HealthCheckService), indicators, health);
  server = new AdminServer(checks, metrics, {
    port: 0,
    host: '127.0.0.1',
    version: '1.2.3',
  });
  await server.listen();
});
afterEach(async () => {
  health.stop();
  await server.close();
  await terminus.close();
});

describe('the admin server', () => {
  test('is alive whichever dependency is down', async () => {
    health.add('postgres', () => Promise.reject(new Error('away')), { critical: true });
    expect((await get('/livez')).status).toBe(200);
  });

  test('is ready when the app is, and says why it is not', async () => {
    const starting = await get('/readyz');
    expect(starting.status).toBe(503);
    expect(starting.headers.get('content-type')).toBe('application/problem+json');
    expect(await starting.json()).toMatchObject({ status: 503, code: 'not_ready', reason: 'starting' });
    health.ready();
    expect((await get('/readyz')).status).toBe(200);
    health.notReady('draining');
    expect(await (await get('/readyz')).json()).toMatchObject({ reason: 'draining' });
  });

  test('reports each dependency, its latency and since when, and no host', async () => {
    health.add('postgres', async () => {}, { critical: true });
    health.add('redis', () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:6379')), { critical: false });
    await health.waitUntilUp(1_000);
    const answer = await get('/health');
    const body = await answer.text();
    expect(answer.status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      status: 'degraded',
      version: '1.2.3',
      tz: process.versions.tz,
      uptime_seconds: expect.any(Number),
      ready: false,
      dependencies: {
        postgres: { status: 'up', latency_ms: expect.any(Number), since: expect.stringMatching(/Z$/) },
        redis: { status: 'down' },
      },
    });
    expect(body).not.toContain('10.0.0.7');
  });

  test('reports a dependency as unknown before its first check, and counts it as down', async () => {
    health.add('postgres', async () => {}, { critical: true });
    const answer = await get('/health');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      status: 'down',
      dependencies: { postgres: { status: 'unknown', critical: true, latency_ms: null } },
    });
  });

  test('answers while the process ends: alive, not ready, and with the true state of its dependencies', async () => {
    health.add('postgres', async () => {}, { critical: true });
    await health.waitUntilUp(1_000);
    health.ready();
    expect(await (await get('/health')).json()).toMatchObject({ status: 'ok', ready: true });
    health.notReady('draining');
    await terminus.close(); // from here on the status of Terminus itself is `shutting_down`
    expect((await get('/livez')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(503);
    const answer = await get('/health');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ status: 'ok', ready: false, not_ready_reason: 'draining' });
  });

  test('answers 503 at /health when something is down that the app needs', async () => {
    health.add('postgres', () => Promise.reject(new Error('away')), { critical: true });
    await health.waitUntilUp(0).catch(() => {});
    const answer = await get('/health');
    expect([answer.status, ((await answer.json()) as { status: string }).status]).toEqual([503, 'down']);
  });

  test('gives the metrics to Prometheus', async () => {
    const answer = await get('/metrics');
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=/);
    expect(await answer.text()).toContain('tocsin_build_info{version="1.2.3",commit="abc"} 1');
  });

  test('knows no other route and no other method', async () => {
    expect((await get('/')).status).toBe(404);
    const post = await get('/metrics', { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await get('/livez?x=1', { method: 'HEAD' })).status).toBe(200);
  });

  test('may be opened and closed twice, and closed without having been opened', async () => {
    await server.listen();
    await server.close();
    await server.close();
    expect(server.address()).toBeUndefined();
    await new AdminServer(checks, new Metrics({ version: '', commit: '', tenantLimit: 0 }), {
      port: 0,
      version: '',
    }).close();
  });

  test('rejects when the port is taken', async () => {
    const second = new AdminServer(checks, new Metrics({ version: '', commit: '', tenantLimit: 0 }), {
      port: server.address()!.port,
      host: '127.0.0.1',
      version: '',
    });
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await second.close();
  });
});
