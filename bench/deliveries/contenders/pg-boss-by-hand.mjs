// pg-boss without its polling: batches of 500 are fetched and completed in a loop for each queue.
import { BATCH, CHANNELS } from '../work.mjs';
import { open as openBoss } from './pg-boss.mjs';

export async function open(options) {
  const { boss, ...opened } = await openBoss(options);
  return {
    ...opened,
    async drain(count, onDone) {
      await Promise.all(
        CHANNELS.map(async (channel) => {
          let completing = Promise.resolve();
          for (;;) {
            const jobs = await boss.fetch(channel, { batchSize: BATCH });
            await completing;
            if (jobs.length === 0) return;
            completing = boss
              .complete(
                channel,
                jobs.map(({ id }) => id),
              )
              .then(() => onDone(jobs.length));
          }
        }),
      );
    },
  };
}
