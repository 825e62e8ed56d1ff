import type { ExecutionContext } from '@nestjs/common';
import { Metrics } from '@tocsin/observability';
import { GatewayConfig } from '../config';
import { LimitRequests } from './limit-requests.guard';
import { RequestLimits } from './request-limits';

const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
const guardBelow = (BASE_PATH: string) =>
  new LimitRequests(
    new RequestLimits({ user: 0, token: 0, address: 1_000 }, undefined),
    { BASE_PATH, TRUSTED_PROXIES: 0 } as GatewayConfig,
    metrics,
  );

/** Whether a request is counted: what is counted is told how its limits stand. */
async function isCounted(guard: LimitRequests, method: string, path: string): Promise<boolean> {
  const told: string[] = [];
  const http = {
    getRequest: () => ({ method, path, headers: {}, socket: { remoteAddress: '192.0.2.1' } }),
    getResponse: () => ({ append: (name: string) => void told.push(name) }),
  };
  await guard.canActivate({ switchToHttp: () => http } as unknown as ExecutionContext);
  return told.includes('RateLimit');
}

test.each([
  ['GET', '/api/v1/alerts', true],
  ['POST', '/api/events/ticket', true],
  ['POST', '/api/v1/topics/north/events', true],
  ['GET', '/api/v1/alerts/topics/north/events', true],
  ['GET', '/api/v1/topics/north/events', false],
  ['GET', '/API/v1/topics/north/events/', false],
  ['GET', '/api/events', false],
  ['POST', '/api/v1/providers/twilio/status', false],
  ['GET', '/docs', false],
])('of REST requests, %s %s is one: %s', async (method, path, counted) => {
  for (const base of ['', '/tocsin'])
    expect([base, await isCounted(guardBelow(base), method, base + path)]).toEqual([base, counted]);
});
