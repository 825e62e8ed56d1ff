import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { describeWith } from './kit/programs';
import { plainNginx, type Proxy } from './kit/proxies';
import { SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { publisherToken, tokenFor } from './kit/tokens';

/**
 * A buffered event would wait for the next kilobytes, or for the heartbeat after 15 s. A busy machine is far faster.
 */
const AT_ONCE_MS = 4_000;

/**
 * Node's own limit between two requests (5 s), and the gateway's limit for a head (10 s) with the interval of its check
 * (5 s).
 */
const SILENCE_MS = 17_000;

/** A proxy that notes which side ends a connection. */
class Between {
  opened = 0;
  closedByGateway = 0;
  private readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  static async before(port: number): Promise<Between> {
    const server = createServer({ allowHalfOpen: true });
    const between = new Between(server);
    server.on('connection', (from) => {
      between.opened += 1;
      const to = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      to.once('end', () => (between.closedByGateway += from.readableEnded ? 0 : 1));
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        between.sockets.add(one);
        one.on('error', () => other.destroy());
        one.pipe(other);
      }
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return between;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

describeWith('nginx', 'through a real nginx with the directives of the ingress', () => {
  let stack: Stack;
  let nginx: Proxy;
  beforeAll(async () => {
    stack = await Stack.open({ tenants: { ana: ['bakery'] } });
    nginx = await plainNginx(stack.gateway.url);
  });
  afterAll(async () => {
    await nginx?.close();
    await stack?.close();
  });

  const open = () =>
    SseStream.open(`${nginx.url}/api/events`, { headers: { Authorization: `Bearer ${tokenFor('ana')}` } });

  it('the head of a quiet stream arrives at once', async () => {
    const startedAt = performance.now();
    const stream = await open();
    expect(stream.headAt - startedAt).toBeLessThan(AT_ONCE_MS);
    expect((await stream.frame('connection')).receivedAt - startedAt).toBeLessThan(AT_ONCE_MS);
    stream.close();
  });

  it('a lone event arrives at once, and another one after a silence', async () => {
    const stream = await open();
    await stream.frame('connection');
    for (const id of ['alone', 'later']) {
      const startedAt = performance.now();
      await stack.amqp.publish('alert.urgent.inventory', { id, tenant_id: 'bakery' });
      expect((await stream.entry(id)).receivedAt - startedAt).toBeLessThan(AT_ONCE_MS);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(stream.faults).toEqual([]);
    stream.close();
  });

  it('a client that leaves is noticed by the gateway', async () => {
    await eventually(async () => expect(await stack.gateway.metric('tocsin_sse_connections')).toBe(0));
    const stream = await open();
    await stream.frame('connection');
    expect(await stack.gateway.metric('tocsin_sse_connections')).toBe(1);
    stream.close();
    await eventually(async () => expect(await stack.gateway.metric('tocsin_sse_connections')).toBe(0));
  });

  it('a connection to the gateway outlives a silence that is longer than any of its time limits, and serves the next request', async () => {
    // between nginx and the gateway, to see which of the two closes which connection
    const between = await Between.before(stack.gateway.port);
    const quiet = await plainNginx(between.url);
    try {
      const publish = (id: string) =>
        ask(quiet.url, '/api/v1/events', {
          method: 'POST',
          headers: { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' },
          body: JSON.stringify({ id, tenant_id: 'bakery', service: 'inventory', severity: 'low' }),
        });
      expect((await publish('before-silence')).status).toBe(202);
      const { opened } = between;
      await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
      expect(between.closedByGateway).toBe(0);
      expect((await publish('after-silence')).status).toBe(202);
      expect(between).toMatchObject({ opened, closedByGateway: 0 });
    } finally {
      await quiet.close();
      await between.close();
    }
  }, 60_000);

  it('publishing, refusals and cursors pass unchanged', async () => {
    const published = await ask(nginx.url, '/api/v1/events', {
      method: 'POST',
      headers: { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: 'by-http', tenant_id: 'bakery', service: 'inventory', severity: 'low' }),
    });
    expect(published.status).toBe(202);
    const refused = await ask(nginx.url, '/api/events?token=test');
    expect({ status: refused.status, code: refused.json.code }).toEqual({ status: 401, code: 'invalid_token' });

    const first = await open();
    const cursor = (await first.frame('connection')).id!;
    first.close();
    const resumed = await SseStream.open(`${nginx.url}/api/events`, {
      headers: { Authorization: `Bearer ${tokenFor('ana')}` },
      cursor,
    });
    expect(JSON.parse((await resumed.frame('connection')).data)).toMatchObject({ verdict: 'resumed' });
    resumed.close();
  });
});
