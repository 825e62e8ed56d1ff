// pg-boss with workers that take batches of 500, and the shortest interval that it permits.
import { BATCH, CHANNELS, payloads } from '../work.mjs';

export async function open({ databaseUrl, peers, tenants }) {
  const PgBoss = peers('pg-boss');
  const boss = new PgBoss({ connectionString: databaseUrl, max: 10, supervise: false, schedule: false });
  boss.on('error', console.error);
  await boss.start();
  for (const channel of CHANNELS) await boss.createQueue(channel);
  return {
    boss,
    async prepare(count) {
      const jobs = payloads(count, tenants).map((data) => ({ name: data.channel, data }));
      for (let from = 0; from < count; from += 5_000) await boss.insert(jobs.slice(from, from + 5_000));
    },
    async drain(count, onDone) {
      let left = count;
      let allDone;
      const done = new Promise((resolve) => (allDone = resolve));
      for (const channel of CHANNELS)
        await boss.work(channel, { batchSize: BATCH, pollingIntervalSeconds: 0.5 }, async (jobs) => {
          onDone(jobs.length);
          left -= jobs.length;
          if (left === 0) allDone();
        });
      await done;
      await boss.stop({ graceful: true, wait: true, close: false });
    },
    close: () => boss.stop({ graceful: false, wait: false }).catch(() => undefined),
  };
}
