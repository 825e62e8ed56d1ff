import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { aMessage } from '../../e2e/faults/ingest-kit';
import { Stack } from '../../e2e/kit/stack';
import { SseStream } from '../../e2e/kit/sse-client';
import { tokenFor } from '../../e2e/kit/tokens';
import { openShop } from './shop';

describe('a Nest application of one’s own with the gateway below /tocsin', () => {
  let stack: Stack;
  let shop: Awaited<ReturnType<typeof openShop>>;
  let url: string;
  const asUser = { headers: { Authorization: `Bearer ${tokenFor('ada')}` } };

  beforeAll(async () => {
    stack = await Stack.open({ gateways: 0, tenants: { ada: ['bakery'] } });
    shop = await openShop({
      ...stack.gatewayEnvironment,
      LIVENESS_PATH: '/alive',
      READINESS_PATH: '/ready',
      HEALTH_PATH: '/healthz',
    });
    url = `http://127.0.0.1:${shop.port}`;
  }, 60_000);
  afterAll(async () => {
    await shop?.app.close();
    await stack?.close();
  });

  const get = async (path: string, init: RequestInit = asUser) => {
    const response = await fetch(url + path, init);
    return { status: response.status, text: await response.text() };
  };

  it('answers its own route, which is not below /tocsin', async () => {
    expect(JSON.parse((await get('/orders')).text)).toEqual([{ order_id: 'o-1', loaves: 12 }]);
    expect((await get('/tocsin/orders')).status).toBe(404);
  });

  it.each(['/tocsin/api/events', '/tocsin/api/events/'])('opens a stream at %s, and an alert arrives', async (path) => {
    const stream = await SseStream.open(url + path, asUser);
    await stream.frame('connection');
    const id = `through${path.length}`;
    await stack.amqp.publish('alert.low.inventory', aMessage(id));
    const { event, data } = await stream.frame((frame) => frame.data.includes(id));
    expect([event, JSON.parse(data)]).toMatchObject(['inventory_alert', { tenant_id: 'bakery', event_id: id }]);
    stream.close();
  });

  it.each(['on', 'off'])('asks its own function before each request, with STREAM_DOOR=%s', async (STREAM_DOOR) => {
    const other = await openShop({ ...stack.gatewayEnvironment, STREAM_DOOR });
    try {
      for (const path of ['/orders', '/tocsin/api/v1/alerts', '/tocsin/api/events']) {
        // on a connection of its own, as the reader of streams takes no other
        const asked = async (agent: string) => {
          const headers = { ...asUser.headers, 'User-Agent': agent };
          const sent = request({ port: other.port, path, headers, agent: false });
          const [answer] = (await once(sent.end(), 'response')) as [IncomingMessage];
          return answer.setEncoding('utf8');
        };
        const [answer, refusal] = [await asked('Browser/1'), await asked('Crawler/1')];
        expect([path, answer.statusCode, answer.headers['shop-release']]).toEqual([path, 200, '1.0.0']);
        answer.destroy();
        expect([path, refusal.statusCode]).toEqual([path, 403]);
        expect((await refusal.toArray()).join('')).toContain('"code":"refused_by_operator"');
      }
    } finally {
      await other.app.close();
    }
  });

  it('opens a stream that its own reader leaves to node:http', async () => {
    const stream = await SseStream.open(`${url}/tocsin/api/events`, {
      headers: { ...asUser.headers, TE: 'trailers' },
    });
    await stream.frame('connection');
    stream.close();
  });

  it('gives tickets whose address opens a stream', async () => {
    const ticket = JSON.parse((await get('/tocsin/api/events/ticket', { method: 'POST', ...asUser })).text) as {
      url: string;
    };
    expect(ticket.url).toMatch(/^\/tocsin\/api\/events\?ticket=/);
    const stream = await SseStream.open(url + ticket.url);
    await stream.frame('connection');
    stream.close();
  });

  it('answers the REST API below the base path, and nowhere else', async () => {
    const { alerts } = JSON.parse((await get('/tocsin/api/v1/alerts')).text) as { alerts: unknown[] };
    expect(alerts).not.toHaveLength(0);
    for (const path of ['/api/v1/alerts', '/api/events', '/docs']) expect((await get(path)).status).toBe(404);
  });

  it('describes the addresses that it answers, with links that lead there', async () => {
    const { paths } = JSON.parse((await get('/tocsin/docs/openapi.json')).text) as { paths: object };
    expect(Object.keys(paths)).toContain('/tocsin/api/v1/alerts');
    expect(Object.keys(paths).filter((path) => !path.startsWith('/tocsin'))).toEqual([]);
    const page = await get('/tocsin/docs', {});
    const links = [...page.text.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, link]) => link!);
    expect(links).not.toHaveLength(0);
    // the guide is in the build, and this application runs from the source
    for (const link of new Set(links.filter((one) => !one.startsWith('/tocsin/docs/guide'))))
      expect([link, (await get(link, {})).status]).toEqual([link, 200]);
    const events = JSON.parse((await get('/tocsin/docs/asyncapi.json')).text) as {
      channels: { stream: { address: string } };
    };
    expect(events.channels.stream.address).toBe('/tocsin/api/events');
  });

  it('has its probes where the settings say', async () => {
    const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${shop.adminPort}${path}`)).status;
    expect(await Promise.all(['/alive', '/ready', '/healthz', '/metrics', '/livez', '/health'].map(statusOf))).toEqual([
      200, 200, 200, 200, 404, 404,
    ]);
  });
});
