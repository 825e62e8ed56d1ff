import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { eventually } from '@tocsin/contracts/testing';
import { PrivateNats } from './faults/private-services';
import { limitMs, SIZE_NOTE, sized } from './faults/size';
import { ask } from './kit/http';
import { violationsOf, type Published } from './kit/ledger';
import { describeWith } from './kit/programs';
import { SeededRandom } from './kit/seeded-random';
import { SseClient } from './kit/sse-client';
import { Stack, TENANT_SERVICE_TOKEN } from './kit/stack';
import { JWT_SECRET, tokenFor } from './kit/tokens';

const TENANTS = ['bakery', 'brewery', 'cafe'];
const MESSAGES = sized(20_000, 2_000);
const KILLED_PROCESSORS = sized(200, 2);
const KILLED_NATS = sized(10, 1);
/** Every tenth message is published twice. */
const REPEATED = 10;
const BATCH = 50;
const PREFIX = 'e2e-';

const seed = Number(process.env.SEED ?? 20_282);

describeWith('nats-server', 'the queue in NATS JetStream', () => {
  let nats: PrivateNats;
  let stack: Stack;
  beforeAll(async () => {
    nats = await PrivateNats.start();
    const environment = { QUEUE: 'nats', NATS_URL: nats.url, NATS_PREFIX: PREFIX, RABBITMQ_URL: '' };
    stack = await Stack.open({
      tenants: Object.fromEntries(TENANTS.map((tenant, i) => [`user-${i}`, [tenant]])),
      gateways: 2,
      processors: 2,
      gatewayEnvironment: environment,
      processorEnvironment: environment,
    });
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    await nats?.remove();
  }, 60_000);

  const publish = (events: readonly object[]) =>
    ask(stack.gateways.at(-1)!.url, '/api/v1/events', {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${tokenFor('svc', { scope: 'events:publish' })}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify(events),
    });

  it('says at the start that one server keeps the queue', async () => {
    await eventually(() =>
      expect(stack.processes.output).toContain(`one NATS server keeps ${PREFIX}alerts-urgent, ${PREFIX}alerts-common`),
    );
  });

  it(
    `loses nothing and repeats nothing of ${MESSAGES} alerts, while processors are killed ${KILLED_PROCESSORS} times, NATS ${KILLED_NATS} times, and a gateway once${SIZE_NOTE}`,
    async () => {
      const random = new SeededRandom(seed);
      const messages = Array.from({ length: MESSAGES }, (_, i) => ({
        tenant_id: random.of(TENANTS),
        service: 'inventory',
        severity: random.of(['urgent', 'high', 'medium', 'low']),
        id: `m-${i}`,
        name: 'low_stock',
        occurred_at: '2026-01-02T03:04:05Z',
      }));
      for (let i = REPEATED; i < MESSAGES; i += REPEATED) messages[i] = messages[i - 1]!;
      const clients = TENANTS.map(
        (_, i) => new SseClient(`user-${i}`, { headers: { Authorization: `Bearer ${tokenFor(`user-${i}`)}` } }),
      );
      for (const [i, client] of clients.entries()) await client.connect(stack.eventsUrl(stack.gateways[i % 2]));

      const spread = (count: number, fault: () => Promise<unknown>) =>
        Array.from({ length: count }, (_, i): [number, () => Promise<unknown>] => [(i + 0.7) / (count + 0.5), fault]);
      const faults = [
        ...spread(KILLED_PROCESSORS, replaceAProcessor),
        ...spread(KILLED_NATS, restartNats),
        ...spread(1, replaceAGateway),
      ].sort(([one], [other]) => one - other);
      const published: Published[] = [];
      for (let at = 0; at < MESSAGES; at += BATCH) {
        while (faults[0] && at >= faults[0][0] * MESSAGES) await faults.shift()![1]();
        const batch = messages.slice(at, at + BATCH);
        // a batch without an answer is sent again: its messages have ids
        await eventually(async () => {
          const { status } = await publish(batch);
          if (status !== 202) throw new Error(`answered ${status}`);
        }, 20_000);
        published.push(...batch.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: true })));
        for (const client of clients.filter(({ current }) => !current)) await comeBack(client);
      }
      expect(faults).toEqual([]);

      const unique = new Set(messages.map(({ id }) => id)).size;
      await eventually(async () => expect(await stack.rows()).toHaveLength(unique), 60_000);
      const rows = await stack.rows();
      for (const client of clients) await comeBack(client);
      await eventually(() => {
        for (const [i, client] of clients.entries()) {
          const head = rows.filter(({ tenant_id }) => tenant_id === TENANTS[i]).length;
          const seq = Number((client.current?.cursor ?? '').split('-').at(-2));
          if (seq !== head) throw new Error(`${client.name} is at ${seq} of ${head}`);
        }
      }, 30_000);
      expect(
        violationsOf({
          published,
          rows,
          transcripts: clients.map((client, i) => ({
            client: client.name,
            tenants: [TENANTS[i]!],
            frames: client.frames,
            connectedAtTheEnd: true,
          })),
          logs: [stack.processes.output],
          secrets: [JWT_SECRET, TENANT_SERVICE_TOKEN],
        }).slice(0, 10),
      ).toEqual([]);
      for (const client of clients) {
        expect(client.faults).toEqual([]);
        client.disconnect();
      }
      // what a killed processor held is taken over ten seconds later, and dropped if it is stored already; so is what
      // NATS has again after it was killed although it was acknowledged
      await eventually(async () => expect(await inTheQueue()).toEqual([0, 0, 0, 0]), 60_000);
      expect(await stack.sql('select reason from tocsin.dead_letter')).toEqual([]);
    },
    limitMs(sized(1_200, 120)),
  );

  async function inTheQueue(): Promise<number[]> {
    const client = await connect({ servers: new URL(nats.url).host });
    try {
      const manager = await jetstreamManager(client);
      const streams = ['urgent', 'common', 'suspects', 'given-up'].map((kind) => `${PREFIX}alerts-${kind}`);
      return await Promise.all(streams.map(async (name) => (await manager.streams.info(name)).state.messages));
    } finally {
      await client.close();
    }
  }

  /** Continues where the client's last stream ended. */
  async function comeBack(client: SseClient): Promise<void> {
    client.disconnect();
    await client.connect(stack.eventsUrl(stack.gateways.at(-1)));
  }

  async function replaceAProcessor(): Promise<void> {
    await stack.processors.shift()!.kill();
    await stack.startProcessor();
  }

  async function restartNats(): Promise<void> {
    await nats.kill();
    await nats.start();
  }

  async function replaceAGateway(): Promise<void> {
    await stack.gateways.shift()!.kill();
    await stack.startGateway();
  }
});
