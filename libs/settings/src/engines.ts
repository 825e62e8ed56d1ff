import { z } from 'zod';
import { setting } from './settings';

/** Which service is the queue between the gateway and the processor. */
export const queueSettings = {
  QUEUE: setting(z.enum(['rabbitmq', 'nats', 'redis', 'postgres']).default('rabbitmq'), {
    description:
      'The queue between those who publish and the processor: rabbitmq, nats (NATS JetStream), redis (Redis Streams), or ' +
      'postgres, which needs no further service. ' +
      'With postgres, services publish over HTTP only, and one processor at a time consumes (docs/engines.md).',
  }),
};

/** Which service wakes gateways and notifiers, and counts streams. */
export const busSettings = {
  BUS: setting(z.enum(['redis', 'nats', 'postgres']).default('redis'), {
    description:
      'What tells gateways of new entries and notifiers of new deliveries, counts streams and remembers used tickets: ' +
      'redis, nats, or postgres, which needs no further service (docs/engines.md).',
  }),
  DATABASE_LISTEN_URL: setting(
    z.url({ protocol: /^postgres(ql)?$/, error: 'expected a postgresql:// address' }).optional(),
    {
      description:
        'The address of the database itself, for the one connection of each process that listens; needed with ' +
        'DB_POOLER when QUEUE or BUS is postgres. Default: DATABASE_URL.',
      secret: true,
    },
  ),
};

interface ChosenEngines {
  QUEUE?: 'rabbitmq' | 'nats' | 'redis' | 'postgres';
  BUS?: 'redis' | 'nats' | 'postgres';
  RABBITMQ_URL?: string | undefined;
  REDIS_URL?: string | undefined;
  NATS_URL?: string | undefined;
  DB_POOLER?: boolean;
  DATABASE_LISTEN_URL?: string | undefined;
}

/** What the chosen services lack, one sentence each. */
export function engineProblems(chosen: ChosenEngines): string[] {
  const { QUEUE, BUS, RABBITMQ_URL, REDIS_URL, NATS_URL, DB_POOLER, DATABASE_LISTEN_URL } = chosen;
  return [
    ...(QUEUE === 'rabbitmq' && !RABBITMQ_URL
      ? ['RABBITMQ_URL is required, unless QUEUE is nats, redis or postgres.']
      : []),
    ...((QUEUE === 'nats' || BUS === 'nats') && !NATS_URL ? ['NATS_URL is required when QUEUE or BUS is nats.'] : []),
    ...(QUEUE === 'redis' && BUS !== 'redis' && !REDIS_URL ? ['REDIS_URL is required when QUEUE is redis.'] : []),
    ...(BUS === 'redis' && !REDIS_URL ? ['REDIS_URL is required, unless BUS is nats or postgres.'] : []),
    ...((QUEUE === 'postgres' || BUS === 'postgres') && DB_POOLER && !DATABASE_LISTEN_URL
      ? ['DATABASE_LISTEN_URL is required with DB_POOLER: a pooler lends no session that could listen.']
      : []),
  ];
}
