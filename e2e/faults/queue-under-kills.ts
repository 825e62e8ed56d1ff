import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import type { FaultProxy } from '@tocsin/fault-proxy';
import { ask } from '../kit/http';
import { violationsOf, type Published } from '../kit/ledger';
import { SeededRandom } from '../kit/seeded-random';
import { SseClient } from '../kit/sse-client';
import { Stack, TENANT_SERVICE_TOKEN } from '../kit/stack';
import { JWT_SECRET, tokenFor } from '../kit/tokens';
import { sized } from './size';

const TENANTS = ['bakery', 'brewery', 'cafe'];
export const MESSAGES = sized(20_000, 2_000);
export const KILLED_PROCESSORS = sized(200, 2);
/** How often the server of the queue is killed and started again. */
export const KILLED_SERVERS = sized(10, 1);
/** Every tenth message is published twice. */
const REPEATED = 10;
const BATCH = 50;
/** How long the server is cut off from every process, near the end of the run. */
export const CUT_OFF_MS = sized(60_000, 3_000);

/** Two gateways and two processors of three tenants, each with a user, on the engines that the environment names. */
export const openStack = (environment: Readonly<Record<string, string>>): Promise<Stack> =>
  Stack.open({
    tenants: Object.fromEntries(TENANTS.map((tenant, i) => [`user-${i}`, [tenant]])),
    gateways: 2,
    processors: 2,
    gatewayEnvironment: environment,
    processorEnvironment: environment,
  });

interface Faults {
  /** Kills the server of the queue or of the bus, and starts it again. */
  restartServer(): Promise<void>;
  /** The way of every process to that server. Default: it is not cut off. */
  way?: FaultProxy;
}

/**
 * Publishes alerts over HTTP while processors, a server and a gateway are killed, and compares the log and the streams
 * of three clients with what was confirmed: nothing is lost, repeated or missing.
 */
export async function losesAndRepeatsNothing(
  stack: Stack,
  { restartServer, way }: Faults,
  seed: number,
): Promise<void> {
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
  /** Continues where the client's last stream ended. */
  const comeBack = (client: SseClient) => {
    client.disconnect();
    return client.connect(stack.eventsUrl(stack.gateways.at(-1)));
  };

  let cutOff: Promise<void> | undefined;
  const beginCutOff = () => {
    way!.silence();
    cutOff = sleep(CUT_OFF_MS).then(() => way!.silence(false));
    return Promise.resolve();
  };
  const faults = [
    // at no moment of another fault: a processor whose queue is silent would not start
    ...(way ? [[0.849, beginCutOff] as [number, () => Promise<void>]] : []),
    ...spread(KILLED_PROCESSORS, async () => {
      await stack.processors.shift()!.kill();
      await stack.startProcessor();
    }),
    ...spread(KILLED_SERVERS, restartServer),
    ...spread(1, async () => {
      await stack.gateways.shift()!.kill();
      await stack.startGateway();
    }),
  ].sort(([one], [other]) => one - other);
  const published: Published[] = [];
  for (let at = 0; at < MESSAGES; at += BATCH) {
    while (faults[0] && at >= faults[0][0] * MESSAGES) await faults.shift()![1]();
    const batch = messages.slice(at, at + BATCH);
    // a batch without an answer is sent again: its messages have ids
    await eventually(() => publish(stack, batch), 20_000 + CUT_OFF_MS);
    published.push(...batch.map(({ tenant_id, service, id }) => ({ tenant_id, service, id, confirmed: true })));
    for (const client of clients.filter(({ current }) => !current)) await comeBack(client);
  }
  expect(faults).toEqual([]);
  await cutOff;

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
}

/** A fault so many times, evenly over the run. */
const spread = (count: number, fault: () => Promise<void>) =>
  Array.from({ length: count }, (_, i): [number, () => Promise<void>] => [(i + 0.7) / (count + 0.5), fault]);

async function publish(stack: Stack, events: readonly object[]): Promise<void> {
  const { status } = await ask(stack.gateways.at(-1)!.url, '/api/v1/events', {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${tokenFor('svc', { scope: 'events:publish' })}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(events),
  });
  if (status !== 202) throw new Error(`answered ${status}`);
}
