// BullMQ: a queue for each channel, completed jobs removed. It needs Redis, and its jobs are as safe as Redis is.
import { randomBytes } from 'node:crypto';
import { CHANNELS, payloads } from '../work.mjs';

export async function open({ redisUrl, peers, tenants }) {
  const { Queue, Worker } = peers('bullmq');
  const prefix = `bench-${randomBytes(5).toString('hex')}`;
  const connection = { url: redisUrl, maxRetriesPerRequest: null };
  const queues = new Map(CHANNELS.map((channel) => [channel, new Queue(channel, { connection, prefix })]));
  return {
    async prepare(count) {
      const opts = { removeOnComplete: true };
      const jobs = payloads(count, tenants);
      for (const [channel, queue] of queues) {
        const own = jobs.filter((job) => job.channel === channel).map((data) => ({ name: channel, data, opts }));
        for (let from = 0; from < own.length; from += 1_000) await queue.addBulk(own.slice(from, from + 1_000));
      }
    },
    async drain(count, onDone) {
      let left = count;
      let allDone;
      const done = new Promise((resolve) => (allDone = resolve));
      const workers = CHANNELS.map((channel) => {
        const worker = new Worker(channel, async () => undefined, { connection, prefix, concurrency: 100 });
        worker.on('completed', () => {
          onDone(1);
          left -= 1;
          if (left === 0) allDone();
        });
        return worker;
      });
      await done;
      await Promise.all(workers.map((worker) => worker.close()));
    },
    async close() {
      for (const queue of queues.values()) {
        await queue.obliterate({ force: true });
        await queue.close();
      }
    },
  };
}
