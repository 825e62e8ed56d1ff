// graphile-worker as its page on performance recommends: a local queue of 500, completions in batches.
import { BATCH, CHANNELS, payloads } from '../work.mjs';

export async function open({ databaseUrl, peers, tenants }) {
  const { makeWorkerUtils, run } = peers('graphile-worker');
  const utils = await makeWorkerUtils({ connectionString: databaseUrl });
  await utils.migrate();
  return {
    async prepare(count) {
      const jobs = payloads(count, tenants).map((payload) => ({ identifier: payload.channel, payload }));
      for (let from = 0; from < count; from += 5_000) await utils.addJobs(jobs.slice(from, from + 5_000));
    },
    async drain(count, onDone) {
      let left = count;
      let allDone;
      const done = new Promise((resolve) => (allDone = resolve));
      const quiet = () => ({ info() {}, debug() {}, warn() {}, error: console.error });
      const { Logger } = peers('graphile-worker');
      const runner = await run({
        connectionString: databaseUrl,
        noHandleSignals: true,
        logger: new Logger(() => (level, text) => level === 'error' && quiet().error(text)),
        taskList: Object.fromEntries(CHANNELS.map((channel) => [channel, async () => undefined])),
        preset: {
          worker: {
            concurrentJobs: 24,
            maxPoolSize: 10,
            localQueue: { size: BATCH },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
      });
      runner.events.on('job:complete', () => {
        onDone(1);
        left -= 1;
        if (left === 0) allDone();
      });
      await done;
      // a job counts when its completion is stored
      await runner.stop();
    },
    close: () => utils.release(),
  };
}
