import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@tocsin/contracts/testing';
import { violationsOf, type Published } from './kit/ledger';
import { SeededRandom } from './kit/seeded-random';
import { SseClient } from './kit/sse-client';
import { Stack, TENANT_SERVICE_TOKEN } from './kit/stack';
import { JWT_SECRET, tokenFor } from './kit/tokens';

const TENANTS = ['bakery', 'brewery', 'cafe', 'diner', 'eatery'];
const CLIENTS = 20;
const MESSAGES = 20_000;
const DUPLICATES = 0.1;
const SERVICES = ['inventory', 'sales', 'orders'];
const SEVERITIES = ['urgent', 'high', 'medium', 'low'];

/** Set SEED to repeat a run. */
const seed = Number(process.env.SEED ?? 20_261);

/** Most clients follow one tenant, every fifth follows two: so both forms of a cursor are used. */
const tenantsOf = (client: number): string[] => {
  const own = TENANTS[client % TENANTS.length]!;
  return client < TENANTS.length ? [own, TENANTS[(client + 1) % TENANTS.length]!] : [own];
};

describe('a log without gaps', () => {
  let stack: Stack;
  beforeAll(async () => {
    const tenants = Object.fromEntries(Array.from({ length: CLIENTS }, (_, i) => [`user-${i}`, tenantsOf(i)]));
    stack = await Stack.open({ tenants, gateways: 2, processors: 3 });
  });
  afterAll(() => stack?.close());

  it(
    `is what ${CLIENTS} clients of ${TENANTS.length} tenants see of ${MESSAGES} alerts with duplicates, through 3 processors and 2 gateways, however often they leave and come back`,
    async () => {
      const random = new SeededRandom(seed);
      const clients = Array.from(
        { length: CLIENTS },
        (_, i) => new SseClient(`user-${i}`, { headers: { Authorization: `Bearer ${tokenFor(`user-${i}`)}` } }),
      );
      for (const turn of [0, 1]) {
        // both gateways know every user beforehand: under load this process may be too slow a tenant service
        await Promise.all(clients.map((client, i) => client.connect(stack.eventsUrl(stack.gateways[(i + turn) % 2]))));
        if (turn === 0) for (const client of clients) client.disconnect();
      }
      const startedAt = performance.now();

      let publishing = true;
      const restless = clients.map((client, i) => leaveAndReturn(client, new SeededRandom(seed + i + 1)));
      const published = await publishAll(random);
      publishing = false;
      await Promise.all(restless);
      await stack.stored(MESSAGES * (1 - DUPLICATES), 60_000);
      const storedMs = performance.now() - startedAt;
      const rows = await stack.rows();
      const heads = new Map(
        TENANTS.map((tenant) => [tenant, rows.filter(({ tenant_id }) => tenant_id === tenant).length]),
      );
      await Promise.all(clients.map((client, i) => eventually(() => expectHeads(client, tenantsOf(i), heads), 30_000)));

      const violations = violationsOf({
        published,
        rows,
        transcripts: clients.map((client, i) => ({
          client: client.name,
          tenants: tenantsOf(i),
          frames: client.frames,
          connectedAtTheEnd: true,
        })),
        logs: [stack.processes.output],
        secrets: [JWT_SECRET, TENANT_SERVICE_TOKEN, tokenFor('user-0').split('.')[1]!],
      });
      expect(violations.slice(0, 10)).toEqual([]);

      // the same check in another way: the ids that a client received are those of the event log, entry by entry
      for (const [i, client] of clients.entries()) {
        expect(client.faults).toEqual([]);
        for (const tenant of tenantsOf(i)) {
          const seen = client.entries
            .map(({ data }) => JSON.parse(data) as { tenant_id: string; event_id: string })
            .filter(({ tenant_id }) => tenant_id === tenant);
          expect(seen.map(({ event_id }) => event_id)).toEqual(
            rows.filter(({ tenant_id }) => tenant_id === tenant).map(({ event_id }) => event_id),
          );
        }
      }
      expect(clients.reduce((sum, { connections }) => sum + connections, 0)).toBeGreaterThan(2 * CLIENTS);
      expect(await stack.amqp.takeDead()).toEqual([]);
      for (const client of clients) client.disconnect();
      report(
        `seed ${seed}: ${MESSAGES} messages in ${(storedMs / 1000).toFixed(1)} s, ${clients.reduce((sum, { connections }) => sum + connections, 0)} connections`,
      );

      async function leaveAndReturn(client: SseClient, chance: SeededRandom): Promise<void> {
        while (publishing) {
          await sleep(chance.between(200, 1_500));
          client.disconnect();
          await sleep(chance.between(0, 400));
          await client.connect(stack.eventsUrl(stack.gateways[chance.between(0, 1)]));
        }
      }
    },
    // about 25 s on a quiet machine
    180_000,
  );

  /** Publishes all messages as several services at once, and some of them twice: at once, or after a while. */
  async function publishAll(random: SeededRandom): Promise<Published[]> {
    const unique = Math.round(MESSAGES * (1 - DUPLICATES));
    const messages = Array.from({ length: unique }, (_, i) => {
      const [tenant_id, service, severity] = [random.of(TENANTS), random.of(SERVICES), random.of(SEVERITIES)];
      return {
        tenant_id,
        service,
        severity,
        id: `m-${i}`,
        name: 'low_stock',
        occurred_at: '2026-01-02T03:04:05Z',
        metadata: { stock: i },
      };
    });
    const sent = [...messages];
    while (sent.length < MESSAGES) {
      const at = random.between(0, unique - 1);
      sent.splice(random.between(at, Math.min(at + 2_000, sent.length)), 0, messages[at]!);
    }
    const published: Published[] = [];
    for (let at = 0; at < sent.length; at += 500) {
      await Promise.all(
        sent.slice(at, at + 500).map(async (message) => {
          await stack.amqp.publish(`alert.${message.severity}.${message.service}`, message);
          published.push({ tenant_id: message.tenant_id, service: message.service, id: message.id, confirmed: true });
        }),
      );
    }
    return published;
  }
});

/** Figures for the reader of the run; no check depends on them. */
const report = (line: string) => process.stdout.write(`    ${line}\n`);

/** Throws while a client has not received the last entry of each of its tenants. */
function expectHeads(client: SseClient, tenants: string[], heads: ReadonlyMap<string, number>): void {
  const cursor = client.current?.cursor ?? '';
  for (const tenant of tenants) {
    const position =
      tenants.length === 1 ? cursor : cursor.split(';').find((component) => component.startsWith(`${tenant}=`));
    const seq = Number(position?.split('-').at(-2));
    if (seq !== heads.get(tenant))
      throw new Error(
        `${client.name} is at ${seq} of ${heads.get(tenant)} in ${tenant}${client.current ? '' : ', and not connected'}`,
      );
  }
}
