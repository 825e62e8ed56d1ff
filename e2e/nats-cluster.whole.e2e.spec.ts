import { jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { eventually } from '@tocsin/contracts/testing';
import { PrivateNats } from './faults/private-services';
import { ask } from './kit/http';
import { violationsOf, type Published } from './kit/ledger';
import { describeWith } from './kit/programs';
import { SseClient } from './kit/sse-client';
import { Stack, TENANT_SERVICE_TOKEN } from './kit/stack';
import { JWT_SECRET, tokenFor } from './kit/tokens';

const MESSAGES = 2_000;
const BATCH = 25;
const PREFIX = 'e2e-';

describeWith('nats-server', 'the queue on three NATS servers', () => {
  let servers: PrivateNats[] = [];
  let stack: Stack;
  beforeAll(async () => {
    servers = await PrivateNats.startCluster(3);
    const NATS_URL = servers.map(({ url }) => url).join(',');
    const environment = { QUEUE: 'nats', NATS_URL, NATS_PREFIX: PREFIX, NATS_REPLICAS: '3', RABBITMQ_URL: '' };
    stack = await Stack.open({
      tenants: { ana: ['bakery'] },
      gatewayEnvironment: environment,
      processorEnvironment: environment,
    });
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    for (const server of servers) await server.remove();
  }, 60_000);

  const publish = async (events: readonly object[]) => {
    const { status } = await ask(stack.gateway.url, '/api/v1/events', {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${tokenFor('svc', { scope: 'events:publish' })}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify(events),
    });
    if (status !== 202) throw new Error(`answered ${status}`);
  };

  it('loses nothing and repeats nothing when the server that leads its streams is killed, and started again', async () => {
    expect(stack.processes.output).not.toContain('one NATS server keeps');
    const client = new SseClient('ana', { headers: { Authorization: `Bearer ${tokenFor('ana')}` } });
    await client.connect(stack.eventsUrl(stack.gateway));
    const messages = Array.from({ length: MESSAGES }, (_, i) => ({
      tenant_id: 'bakery',
      service: 'inventory',
      severity: i % 10 === 0 ? 'urgent' : 'low',
      id: `m-${i}`,
      name: 'low_stock',
      occurred_at: '2026-01-02T03:04:05Z',
    }));
    let killed: PrivateNats | undefined;
    const published: Published[] = [];
    for (let at = 0; at < MESSAGES; at += BATCH) {
      if (at === MESSAGES / 4) await (killed = await leader()).kill();
      if (at === MESSAGES / 2) await killed!.start();
      const batch = messages.slice(at, at + BATCH);
      await eventually(() => publish(batch), 30_000);
      published.push(...batch.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: true })));
    }

    await eventually(async () => expect(await stack.rows()).toHaveLength(MESSAGES), 60_000);
    await eventually(() => expect(client.current?.cursor?.split('-').at(-2)).toBe(String(MESSAGES)), 30_000);
    const transcript = { client: 'ana', tenants: ['bakery'], frames: client.frames, connectedAtTheEnd: true };
    expect(
      violationsOf({
        published,
        rows: await stack.rows(),
        transcripts: [transcript],
        logs: [stack.processes.output],
        secrets: [JWT_SECRET, TENANT_SERVICE_TOKEN],
      }).slice(0, 10),
    ).toEqual([]);
    client.disconnect();
    await eventually(async () => {
      for (const name of ['urgent', 'common', 'suspects']) expect((await stream(name)).state.messages).toBe(0);
    }, 60_000);
    expect((await stream('common')).config.num_replicas).toBe(3);
  }, 240_000);

  /** The server that leads the stream of common messages. */
  async function leader(): Promise<PrivateNats> {
    const name = (await stream('common')).cluster!.leader!;
    return servers[Number(name.slice(1)) - 1]!;
  }

  async function stream(name: string): Promise<StreamInfo> {
    const client = await connect({ servers: servers.map(({ url }) => new URL(url).host), timeout: 2_000 });
    try {
      return await (await jetstreamManager(client)).streams.info(`${PREFIX}alerts-${name}`);
    } finally {
      await client.close();
    }
  }
});
