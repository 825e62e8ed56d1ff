import { randomBytes } from 'node:crypto';
import { RedisConnection, StreamIntake, StreamQueue, StreamSource } from '@tocsin/redis';
import { describeSourceLanes } from './testing/source-lanes.contract';

describeSourceLanes('Redis Streams', {
  async open() {
    const url = process.env.REDIS_URL!;
    const prefix = `test-${randomBytes(6).toString('hex')}:`;
    const commands = new RedisConnection(url, prefix);
    const queue = new StreamQueue(commands, prefix);
    const sources: StreamSource[] = [];
    return {
      intake: new StreamIntake(queue, 10_000),
      async source() {
        const source = new StreamSource(queue, { url, prefetch: 2_000 });
        sources.push(source);
        return source;
      },
      async close() {
        await Promise.all(sources.map((source) => source.stop()));
        const kinds = ['urgent', 'common', 'suspects', 'given_up'] as const;
        await commands.run('queue', 2_000, (client) => client.del(...kinds.map((kind) => queue.key(kind))));
        commands.close();
      },
    };
  },
});
