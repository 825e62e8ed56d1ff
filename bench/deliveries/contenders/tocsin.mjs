// Deliveries of entries, as the processor plans them: each claim puts an attempt on record, each settlement its end.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BATCH, CHANNELS, plannedEvent } from '../work.mjs';

const require = createRequire(import.meta.url);
const OPTIONS = { atMost: BATCH, leaseMs: 30_000, atMostOnce: false };

export async function open({ databaseUrl, dist, tenants }) {
  const { Database, PostgresDeliveryQueue, PostgresEventLog, migrate } = require(
    join(dist, 'libs/postgres/src/index.js'),
  );
  const connection = { url: databaseUrl };
  await migrate({ connection });
  const database = new Database({ connection, role: 'tocsin_standalone', poolSize: 8 });
  const queue = new PostgresDeliveryQueue(database);
  return {
    /** One entry for each of the four channels' deliveries, so four deliveries tell of one entry. */
    async prepare(count) {
      const log = new PostgresEventLog(database);
      for (let made = 0; made < count; made += BATCH * CHANNELS.length)
        await log.append(
          Array.from({ length: Math.min(BATCH, (count - made) / CHANNELS.length) }, (_, at) =>
            plannedEvent(
              at % tenants,
              CHANNELS.map((channel) => ({ channel, recipient: `${at}-${made}@example.com` })),
            ),
          ),
        );
    },
    async drain(count, onDone) {
      let left = count;
      await Promise.all(
        CHANNELS.map(async (channel) => {
          let settling = Promise.resolve();
          for (let claimed = 1; claimed > 0 && left > 0;) {
            const { deliveries } = await queue.claim(channel, OPTIONS);
            claimed = deliveries.length;
            // the next claim goes on while this one is settled; one settlement at a time
            await settling;
            settling = (async () => {
              const outcomes = await Promise.all(deliveries.map(send));
              await queue.settle(outcomes);
              left -= outcomes.length;
              onDone(outcomes.length);
            })();
          }
          await settling;
        }),
      );
    },
    close: () => database.close(),
  };
}

const send = async ({ tenant_id, delivery_id, attempt }) => ({
  tenant_id,
  delivery_id,
  attempt,
  outcome: 'sent',
  answer: null,
  provider_id: null,
});
