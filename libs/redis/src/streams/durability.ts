import type { Redis } from 'ioredis';
import { namesCluster } from '../cluster/addresses';

/** A cluster promotes a replica that may lack what its master confirmed. */
export const failoverWeakness = (urls: string, replicas: number | undefined): string[] =>
  namesCluster(urls) && replicas === 0
    ? ['a failover of the Redis Cluster can lose confirmed messages: REDIS_QUEUE_REPLICAS is 0']
    : [];

/**
 * What is weak about Redis as a queue, one sentence each. Managed services may refuse `CONFIG GET`: what `INFO` does
 * not say instead is then said to be not known.
 */
export async function weaknessesOf(client: Redis): Promise<string[]> {
  const configured = await configOf(client);
  const info = configured ? {} : infoOf(await client.info().catch(() => ''));
  const appendOnly = configured?.['appendonly'] ?? { 0: 'no', 1: 'yes' }[info['aof_enabled'] ?? ''];
  const fsync = configured?.['appendfsync'];
  const policy = configured?.['maxmemory-policy'] ?? info['maxmemory_policy'];
  const notKnown = [
    ...(appendOnly === undefined ? ['appendonly'] : []),
    ...(fsync === undefined && appendOnly !== 'no' ? ['appendfsync'] : []),
    ...(policy === undefined ? ['maxmemory-policy'] : []),
  ];
  return [
    ...(appendOnly === 'no'
      ? ['Redis has no append-only file (appendonly no): its restart loses the messages that wait in the queue']
      : []),
    ...(appendOnly !== 'no' && fsync !== undefined && fsync !== 'always'
      ? [`appendfsync is ${fsync}: a crash of Redis can lose messages of the last seconds that were confirmed`]
      : []),
    ...(policy !== undefined && policy !== 'noeviction'
      ? [`maxmemory-policy is ${policy}: Redis may delete the queue when its memory is full; set noeviction`]
      : []),
    ...(notKnown.length > 0
      ? [`Redis does not tell ${notKnown.join(', ')}: how durable the queue is, is not known`]
      : []),
  ];
}

async function configOf(client: Redis): Promise<Record<string, string> | undefined> {
  try {
    const pairs = (await client.config('GET', 'append*', 'maxmemory-policy')) as string[];
    return Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1]!]] : [])));
  } catch {
    return undefined;
  }
}

const infoOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split(/\r?\n/).flatMap((line) => {
      const [, name, value] = /^(\w+):(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value!]];
    }),
  );
