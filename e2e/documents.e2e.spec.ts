import { STREAM_EVENTS } from '@tocsin/contracts';
import { openBrowser } from './kit/browser';
import { ApiDocument } from './kit/api-document';
import { ask } from './kit/http';
import { describeWith } from './kit/programs';
import type { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { tokenFor } from './kit/tokens';

const MESSAGES: [routingKey: string, message: Record<string, unknown>][] = [
  [
    'alert.urgent.inventory',
    {
      service: 'inventory',
      severity: 'urgent',
      id: 'm-1',
      name: 'low_stock',
      message: 'Flour: 2 kg left',
      labels: { site: 'north' },
      actions: [{ label: 'Order', url: 'https://example.test/flour' }],
      metadata: { stock: { kg: 2 } },
    },
  ],
  [
    'alert.high.production',
    {
      service: 'production',
      severity: 'high',
      id: 'm-2',
      dedup_key: 'oven-3',
      occurred_at: '2026-01-02T03:04:05Z',
      recipients: ['ana@example.test'],
      channels: ['email'],
    },
  ],
  [
    'alert.high.production',
    {
      service: 'production',
      severity: 'high',
      id: 'm-3',
      dedup_key: 'oven-3',
      occurred_at: '2026-01-02T03:05:05Z',
      status: 'resolved',
    },
  ],
  [
    'recommendation.low.sales',
    {
      service: 'sales',
      severity: 'low',
      id: 'm-4',
      type: 'recommendation',
      title: 'Bake more croissants',
      schema_version: 1,
    },
  ],
];

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.open({
    tenants: { ana: ['bakery', 'cafe'], ben: ['bakery'], eve: ['bakery'] },
    gatewayEnvironment: { HEARTBEAT_MS: '1000' },
  });
}, 60_000);
afterAll(() => stack?.close());

describe('the AsyncAPI document of a running gateway', () => {
  it('describes what services publish, and every kind of frame that a stream can have', async () => {
    const asyncApi = await ApiDocument.read(stack.gateway.url, '/docs/asyncapi.json');
    const faultsOf = (message: string, value: unknown) =>
      asyncApi.faults(['components', 'messages', message, 'payload'], value);
    const streams: SseStream[] = [await stack.watch('ana'), await stack.watch('eve')];

    for (const [key, more] of MESSAGES) {
      const message = { tenant_id: 'bakery', ...more };
      expect([message, faultsOf('alert', message)]).toEqual([message, []]);
      await stack.amqp.publish(key, message);
    }
    await streams[0]!.entry('m-4');
    await streams[0]!.frame('heartbeat');
    const revocation = {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${tokenFor('admin', { scope: 'access:revoke' })}`,
        'Content-Type': 'application/json',
      },
      body: '{"user_id":"eve"}',
    };
    expect((await ask(stack.gateway.url, '/api/v1/revocations', revocation)).status).toBe(202);
    await streams[1]!.frame('close');
    // as after the restore of another database
    await stack.sql("update tocsin.tenant_stream set epoch = 'another' where tenant_id = 'bakery'");
    await streams[0]!.frame('reset');
    streams.push(await stack.watch('ana', { cursor: 'another-1-aaaaaaaa' }));

    const frames = streams.flatMap((stream) => stream.frames);
    expect(new Set(frames.map(({ event }) => event))).toEqual(new Set(STREAM_EVENTS));
    for (const { event, data } of frames)
      expect([event, data, faultsOf(event, JSON.parse(data))]).toEqual([event, data, []]);
    for (const stream of streams) stream.close();
  });

  it('does not describe what is none of it', async () => {
    const asyncApi = await ApiDocument.read(stack.gateway.url, '/docs/asyncapi.json');
    const faultsOf = (message: string, value: unknown) =>
      asyncApi.faults(['components', 'messages', message, 'payload'], value);
    expect(faultsOf('heartbeat', { server_time: 'now', checked_at: '2026-01-02T03:04:05.678Z' })).toHaveLength(1);
    expect(faultsOf('close', { reason: 'bored', action: 'reconnect', retry_ms: 1, more: 1 })).toHaveLength(2);
    expect(
      faultsOf('alert', { tenant_id: 'a b', service: 'inventory', severity: 'loud', status: 'resolved' }),
    ).toHaveLength(4);
  });
});

describe('the address of the gateway itself', () => {
  it.each<[string | undefined, RegExp]>([
    [undefined, /^application\/json/],
    ['*/*', /^application\/json/],
    ['application/json', /^application\/json/],
    ['image/png', /^application\/json/],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', /^text\/html/],
    ['text/html', /^text\/html/],
  ])('answers %s with %s', async (accept, type) => {
    const answer = await ask(stack.gateway.url, '/', { headers: accept === undefined ? {} : { Accept: accept } });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(type);
    expect(answer.headers.vary).toContain('Accept');
    if (!type.test('text/html')) expect(answer.json).toEqual({ message: 'Welcome to Tocsin', docs: '/docs' });
  });

  it.each(['/docs', '/docs/events', '/docs/errors'])('%s is a page that runs nothing inline', async (path) => {
    const { status, headers, text } = await ask(stack.gateway.url, path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self';") as string,
    });
    expect(text).not.toMatch(/<script>|<script [^s]|style=|javascript:|https?:\/\//i);
  });

  it.each(['..%2Fpackage.json', 'package.json', '__proto__', 'constructor', 'index.html', 'swagger-ui.css.map', '%00'])(
    'has no file %s',
    async (name) => {
      expect((await ask(stack.gateway.url, `/docs/assets/${name}`)).json.code).toBe('not_found');
    },
  );
});

describeWith('chromium', 'the page that shows the API', () => {
  it('keeps to its policy, takes the token out of its address and tries with it', async () => {
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      // the page renders every operation of the document at once, beside other work
      page.setDefaultTimeout(100_000);
      const said: string[] = [];
      page.on('console', (message) => said.push(message.text()));
      page.on('pageerror', ({ message }) => said.push(message));
      await page.goto(`${stack.gateway.url}/docs#token=${tokenFor('ben')}`);
      await page.locator('[id$="issueTicket"] .opblock-summary-control').click();
      expect(page.url()).not.toContain('token');
      const answered = page.waitForResponse((response) => response.url().endsWith('/api/events/ticket'));
      await page.locator('[id$="issueTicket"] .execute').click();
      expect((await answered).status()).toBe(201);
      expect(said).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 120_000);
});
