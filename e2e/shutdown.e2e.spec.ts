import { eventually } from '@tocsin/contracts/testing';
import { ask } from './kit/http';
import { violationsOf, type Published } from './kit/ledger';
import { SseClient, SseStream } from './kit/sse-client';
import { Stack } from './kit/stack';
import { JWT_SECRET, publisherToken, tokenFor } from './kit/tokens';

const TENANTS = ['bakery', 'cafe'];
const CLIENTS = 6;
const DRAIN_MS = 1_500;
const bearer = (user: string) => ({ Authorization: `Bearer ${tokenFor(user)}` });

describe('SIGTERM under load', () => {
  let stack: Stack;
  beforeAll(async () => {
    const tenants = Object.fromEntries(Array.from({ length: CLIENTS }, (_, i) => [`user-${i}`, [TENANTS[i % 2]!]]));
    stack = await Stack.open({
      tenants,
      gateways: 4,
      processors: 2,
      gatewayEnvironment: { DRAIN_MS: String(DRAIN_MS) },
    });
  });
  afterAll(() => stack?.close());

  it('of a gateway and a processor: both exit 0, streams are told to come back, and nothing is lost or doubled', async () => {
    const [staying, leaving] = stack.gateways as [Stack['gateway'], Stack['gateway']];
    const clients = Array.from(
      { length: CLIENTS },
      (_, i) => new SseClient(`user-${i}`, { headers: bearer(`user-${i}`) }),
    );
    await Promise.all(clients.map((client) => client.connect(stack.eventsUrl(leaving))));
    const published: Published[] = [];
    const load = { on: true };
    const producers = [publishByAmqp(published, load), publishByHttp(published, load)];
    await stack.stored(200);

    const returned = clients.map(async (client) => {
      await client.current!.ended;
      const close = client.frames.at(-1)!;
      expect(close.event).toBe('close');
      expect(JSON.parse(close.data)).toMatchObject({
        reason: 'draining',
        action: 'reconnect',
        retry_ms: expect.any(Number) as number,
      });
      client.disconnect();
      await client.connect(stack.eventsUrl(staying));
    });
    const exits = await Promise.all([leaving.stop(), stack.processors[0]!.stop()]);
    expect(exits).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    await Promise.all(returned);

    const atExit = published.length;
    await eventually(() => expect(published.length).toBeGreaterThan(atExit + 100));
    load.on = false;
    await Promise.all(producers);
    await stack.stored(new Set(published.filter(({ confirmed }) => confirmed).map(({ id }) => id)).size);
    const rows = await stack.rows();
    for (const [i, client] of clients.entries()) {
      const last = rows.filter(({ tenant_id }) => tenant_id === TENANTS[i % 2]).at(-1)!;
      await client.current!.entry(last.event_id);
    }
    const transcripts = clients.map((client, i) => ({
      client: client.name,
      tenants: [TENANTS[i % 2]!],
      frames: client.frames,
      connectedAtTheEnd: true,
    }));
    expect(
      violationsOf({ published, rows, transcripts, logs: [stack.processes.output], secrets: [JWT_SECRET] }),
    ).toEqual([]);
    expect(clients.flatMap(({ faults }) => faults)).toEqual([]);
    for (const { log } of [leaving, stack.processors[0]!])
      expect(log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    for (const client of clients) client.disconnect();
  }, 60_000);

  it('of a gateway: while it lets its streams go it is not ready, and sends new ones away', async () => {
    const leaving = stack.gateways[2]!;
    const streams = await Promise.all(Array.from({ length: 20 }, () => stack.watch('user-0', { gateway: leaving })));
    const stopped = leaving.stop();
    await eventually(async () => expect((await fetch(`${leaving.adminUrl}/readyz`)).status).toBe(503));

    const browser = await SseStream.open(stack.eventsUrl(leaving), { headers: bearer('user-0') });
    await browser.ended;
    expect({ status: browser.status, refused: browser.headers['tocsin-refused'] }).toEqual({
      status: 200,
      refused: 'draining',
    });
    expect(JSON.parse(browser.frames[0]!.data)).toMatchObject({ reason: 'draining', action: 'reconnect' });
    const other = await ask(leaving.url, '/api/events', { headers: { Accept: '*/*', ...bearer('user-0') } });
    expect({ status: other.status, code: other.json.code, type: other.headers['content-type'] }).toEqual({
      status: 503,
      code: 'draining',
      type: expect.stringContaining('application/problem+json') as string,
    });
    expect(Number(other.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    // a load balancer needs seconds to notice that the gateway is not ready: its requests are served
    const list = await ask(leaving.url, '/api/v1/alerts', { headers: bearer('user-0') });
    expect({ status: list.status, connection: list.headers.connection }).toEqual({ status: 200, connection: 'close' });

    await Promise.all(streams.map((stream) => stream.ended));
    expect(
      streams.map(({ frames }) => JSON.parse(frames.at(-1)!.data) as { reason: string }).map(({ reason }) => reason),
    ).toEqual(streams.map(() => 'draining'));
    // spread over the window, so that the clients do not all arrive at the other gateway at once
    const ends = streams.map(({ frames }) => frames.at(-1)!.receivedAt);
    expect(Math.max(...ends) - Math.min(...ends)).toBeGreaterThan(DRAIN_MS / 4);
    expect(await stopped).toEqual({ code: 0, signal: null });
  }, 30_000);

  it('twice, and SIGINT: the process ends all the same', async () => {
    const [other, , , gateway] = stack.gateways as [
      Stack['gateway'],
      Stack['gateway'],
      Stack['gateway'],
      Stack['gateway'],
    ];
    process.kill(gateway.pid, 'SIGTERM');
    expect(await gateway.stop()).toEqual({ code: 0, signal: null });
    expect(await other.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(await stack.processors[1]!.stop('SIGINT')).toEqual({ code: 0, signal: null });
  });

  it('of a process whose services never came: it ends before it was ready', async () => {
    const waiting = stack.processes.launch('alert-processor', {
      ...stack.environment,
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none',
    });
    await eventually(() => expect(waiting.log.map(({ msg }) => msg)).toContain('waiting for dependencies'), 40_000);
    expect(await waiting.stop()).toEqual({ code: 0, signal: null });
  });

  async function publishByAmqp(published: Published[], load: { on: boolean }): Promise<void> {
    for (let i = 0; load.on; i += 1) {
      const message = { tenant_id: TENANTS[i % 2]!, service: 'inventory', id: `amqp-${i}` };
      await stack.amqp.publish('alert.low.inventory', message);
      published.push({ ...message, confirmed: true });
    }
  }

  /** Publishes to the gateway that stays. An unconfirmed message is sent again under its id. */
  async function publishByHttp(published: Published[], load: { on: boolean }): Promise<void> {
    const headers = { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' };
    for (let i = 0; load.on; i += 1) {
      const batch = Array.from({ length: 5 }, (_, j) => ({
        tenant_id: TENANTS[j % 2]!,
        service: 'sales',
        severity: 'low',
        id: `http-${i}-${j}`,
      }));
      const answer = await ask(stack.gateway.url, '/api/v1/events', {
        method: 'POST',
        headers,
        body: JSON.stringify(batch),
      });
      expect(answer.status).toBe(202);
      published.push(...batch.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: true })));
    }
  }
});
