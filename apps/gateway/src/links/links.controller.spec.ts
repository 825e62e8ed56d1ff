import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { SignedLinks, type LinkPurpose } from '@tocsin/auth';
import { Unavailable, type Alert } from '@tocsin/contracts';
import { bind, type ActResult, type Subscriber } from '@tocsin/contracts/ports';
import { aTenant, anEntry } from '@tocsin/contracts/testing';
import { Log, Metrics, ObservabilityModule, observabilitySettings } from '@tocsin/observability';
import { readSettings } from '@tocsin/settings';
import { prepareHttp } from '../http-server';
import { provideRequestCheck } from '../request/before-request';
import { ProblemFilter } from '../problems/problem.filter';
import { FollowLinks } from './follow-links';
import { LinksController } from './links.controller';

const tenant_id = aTenant('bakery');
const alert = {
  ...anEntry({ tenant_id, status: 'firing' }),
  actor: null,
  acted_at: null,
  last_seq: 1,
} as unknown as Alert;

let nowMs: number;
let found: Alert | undefined;
let result: ActResult;
/** The calls that changed something, in order. */
let done: unknown[];
let unsubscribed: Set<string>;
let trouble: Error | undefined;
let app: NestExpressApplication;
let base: string;
const links = new SignedLinks({ read: () => Promise.resolve('k'.repeat(64)) }, () => nowMs);

beforeAll(async () => {
  const observability = ObservabilityModule.forRoot({
    app: 'test',
    version: '1',
    settings: readSettings(observabilitySettings({ ADMIN_PORT: 0 }), { LOG_LEVEL: 'fatal' }),
  });
  const unsubscribes = {
    add: ({ address }: Subscriber) => Promise.resolve(void (done.push('add'), unsubscribed.add(address))),
    remove: ({ address }: Subscriber) => Promise.resolve(void (done.push('remove'), unsubscribed.delete(address))),
    has: ({ address }: Subscriber) => Promise.resolve(unsubscribed.has(address)),
  };
  const follow = () =>
    new FollowLinks(
      links,
      { find: () => (trouble ? Promise.reject(trouble) : Promise.resolve(found ? [found] : [])) },
      { acknowledgeBy: (...what) => Promise.resolve((done.push(what), result)) },
      unsubscribes,
      () => nowMs,
    );
  @Module({
    imports: [observability],
    controllers: [LinksController],
    providers: [
      provideRequestCheck(),
      { provide: FollowLinks, useFactory: follow },
      { ...bind(ProblemFilter, ProblemFilter, Metrics, Log), provide: APP_FILTER },
    ],
  })
  class TestModule {}
  app = await NestFactory.create<NestExpressApplication>(TestModule, { bodyParser: false, logger: false });
  prepareHttp(app, { CORS_ORIGINS: [] });
  await app.listen(0, '127.0.0.1');
  base = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
});
afterAll(() => app.close());
beforeEach(() => {
  nowMs = Date.parse('2026-01-02T03:04:05.678Z');
  found = alert;
  result = { outcome: 'acted', alert, event: {} as never };
  done = [];
  unsubscribed = new Set();
  trouble = undefined;
});

let people = 0;
/** A link of a new recipient, because the rate of each link is limited. */
const aLink = (purpose: LinkPurpose, address = `ana${(people += 1)}@example.test`) =>
  links.sign({
    purpose,
    tenant_id,
    channel: 'email',
    address,
    alert_id: purpose === 'acknowledge' ? alert.alert_id : null,
  });
async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${base}${path}`, { redirect: 'manual', ...init });
  const html = await response.text();
  return { status: response.status, html, headers: response.headers, title: /<h1>(.*?)<\/h1>/.exec(html)?.[1] };
}
const post = (path: string, body?: string) =>
  ask(path, {
    method: 'POST',
    ...(body && { body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
  });

describe('acknowledging', () => {
  it('a scanner of mail changes nothing: GET, HEAD, a prefetch and OPTIONS', async () => {
    const path = `/a/${await aLink('acknowledge')}`;
    expect(await ask(path)).toMatchObject({ status: 200, title: 'Acknowledge this alert?' });
    expect(await ask(path, { method: 'HEAD' })).toMatchObject({ status: 200, html: '' });
    expect((await ask(path, { headers: { 'sec-purpose': 'prefetch;prerender' } })).status).toBe(200);
    await ask(path, { method: 'OPTIONS' });
    expect(await ask(path, { method: 'PUT' })).toMatchObject({ status: 405 });
    expect(done).toEqual([]);
  });

  it('the button acknowledges the one alert, as the address', async () => {
    const path = `/a/${await aLink('acknowledge', 'ana@example.test')}`;
    expect((await ask(path)).html).toContain('<form method="post" action="">');
    const traced = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    expect(await ask(path, { method: 'POST', headers: traced })).toMatchObject({ status: 200, title: 'Acknowledged' });
    expect(done).toEqual([['email:ana@example.test', tenant_id, alert.alert_id, 'a'.repeat(32)]]);
  });

  it.each([
    [{ outcome: 'unchanged', alert }, 200, 'You have acknowledged it already'],
    [
      { outcome: 'conflict', alert: { ...alert, status: 'acknowledged', actor: 'bo', acted_at: 'noon' } },
      409,
      'The alert is acknowledged already',
    ],
    [{ outcome: 'conflict', alert: { ...alert, status: 'resolved' } }, 409, 'The alert is over'],
    [{ outcome: 'not_found' }, 410, 'The alert is gone'],
  ] as const)('an act that was %j', async (became, status, title) => {
    result = became;
    expect(await post(`/a/${await aLink('acknowledge')}`)).toMatchObject({ status, title });
  });

  it.each([
    [{ ...alert, status: 'resolved' as const }, 200, 'The alert is over'],
    [{ ...alert, status: 'acknowledged' as const, actor: 'bo', acted_at: 'noon' }, 200, 'The alert is acknowledged'],
    [undefined, 410, 'The alert is gone'],
  ])('without a button when nothing is to be acknowledged (%#)', async (now, status, title) => {
    found = now;
    const page = await ask(`/a/${await aLink('acknowledge')}`);
    expect(page).toMatchObject({ status, title });
    expect(page.html).not.toContain('<form');
  });

  it('a link that has expired, was changed or is for something else does nothing, and says so', async () => {
    const path = `/a/${await aLink('acknowledge')}`;
    nowMs += 7 * 86_400_000 + 1_000;
    for (const ask of [post(path), post(path)])
      expect(await ask).toMatchObject({ status: 410, title: 'This link has expired' });
    for (const other of [`${path.slice(0, -3)}AAA`, '/a/none', `/a/${await aLink('unsubscribe')}`])
      expect(await post(other)).toMatchObject({ status: 404, title: 'This link does not work' });
    expect(done).toEqual([]);
  });
});

describe('unsubscribing', () => {
  it('is one POST, as mail programs send it, and can be taken back', async () => {
    const path = `/u/${await aLink('unsubscribe', 'bo@example.test')}`;
    expect(await ask(path)).toMatchObject({ status: 200, title: 'No more of these messages?' });
    expect(done).toEqual([]);
    expect(await post(path, 'List-Unsubscribe=One-Click')).toMatchObject({
      status: 200,
      title: 'You are unsubscribed',
    });
    const page = await ask(path);
    expect(page).toMatchObject({ title: 'You are unsubscribed' });
    expect(page.html).toContain('<form method="post" action="?again">');
    expect(await post(`${path}?again`)).toMatchObject({ status: 200, title: 'You get these messages again' });
    expect(done).toEqual(['add', 'remove']);
  });
});

describe('the pages', () => {
  it('run no script, load nothing, allow no frames and send no referrer', async () => {
    const { headers, html } = await ask(`/a/${await aLink('acknowledge')}`);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+='; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/,
    );
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-robots-tag')).toContain('noindex');
    expect(html).not.toMatch(/<script|src=|https?:/);
  });

  it('show what a producer or an address says as text', async () => {
    const hostile = `<script>x</script>"'&`;
    found = { ...alert, title: hostile, service: hostile };
    const { html } = await ask(`/a/${await aLink('acknowledge')}`);
    expect(html).toContain('&lt;script&gt;x&lt;/script&gt;&quot;&#39;&amp;');
    expect(html).not.toContain('<script');
    expect((await ask(`/u/${await aLink('unsubscribe', hostile)}`)).html).not.toContain('<script');
  });

  it('are limited in their rate, because each costs a query', async () => {
    const path = `/a/${await aLink('acknowledge')}`;
    const statuses = [];
    for (let times = 0; times < 8; times += 1) statuses.push((await ask(path)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 429, 429]);
    nowMs += 1_000;
    expect((await ask(path)).status).toBe(200);
  });

  it('say that the store is away', async () => {
    trouble = new Unavailable('log', 'away');
    expect(await ask(`/a/${await aLink('acknowledge')}`)).toMatchObject({ status: 503 });
  });
});
