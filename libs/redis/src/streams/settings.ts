import { setting } from '@tocsin/settings';
import { z } from 'zod';

/** Further settings of the apps that publish to a queue in Redis. */
export const redisQueueSettings = {
  REDIS_QUEUE_LIMIT: setting(z.coerce.number().int().min(1_000).max(100_000_000).default(100_000), {
    description:
      'With QUEUE=redis: how many messages may wait in Redis. Further ones are answered 503, and those of the bridge ' +
      '(REDIS_PLAIN) wait. A message takes about a kilobyte of memory, at most 64 KiB.',
  }),
  REDIS_QUEUE_REPLICAS: setting(z.coerce.number().int().min(0).max(5).default(0), {
    description:
      'With QUEUE=redis: how many replicas of Redis must have a message before it is confirmed. While fewer are ' +
      'there, messages are answered 503. 0 waits for none: a failover can then lose confirmed messages.',
  }),
};
