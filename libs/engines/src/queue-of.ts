import type { DynamicModule } from '@nestjs/common';
import { NatsQueueModule, type natsQueueSettings } from '@tocsin/nats';
import type { CheckOptions } from '@tocsin/observability';
import { SharedInboxModule } from '@tocsin/postgres';
import { RabbitModule, type rabbitSettings } from '@tocsin/rabbitmq';
import { RedisQueueModule, type redisQueueSettings } from '@tocsin/redis';
import type { queueSettings } from '@tocsin/settings';
import type { AppEngines, BusConfig, SettingsOf } from './app-engines';

type QueueConfig = BusConfig &
  SettingsOf<typeof queueSettings & typeof rabbitSettings & typeof natsQueueSettings & typeof redisQueueSettings>;

interface QueueOptions {
  /** How the queue counts in the health of the app. */
  health: CheckOptions;
  /** Whether this app publishes. Then it is said at the start what can lose the messages that are confirmed to it. */
  publishes: boolean;
  /** How many messages a consumer holds unacknowledged. Default: that of each engine. */
  prefetch?: number;
}

/** The queue that QUEUE names. Apart from `AppEngines`, so that an app without a queue loads no driver for one. */
export function queueOf(
  config: QueueConfig,
  { app, session, nats }: AppEngines,
  { publishes, ...options }: QueueOptions,
): DynamicModule {
  const common = { ...options, observability: app.observability };
  const queues: Record<QueueConfig['QUEUE'], () => DynamicModule> = {
    rabbitmq: () => RabbitModule.forRoot({ url: config.RABBITMQ_URL!, prefix: config.RABBITMQ_PREFIX, ...common }),
    nats: () =>
      NatsQueueModule.forRoot({
        connection: nats,
        prefix: config.NATS_PREFIX,
        replicas: config.NATS_REPLICAS,
        limit: config.NATS_QUEUE_LIMIT,
        ...common,
      }),
    redis: () =>
      RedisQueueModule.forRoot({
        url: config.REDIS_URL!,
        prefix: config.REDIS_PREFIX,
        limit: config.REDIS_QUEUE_LIMIT,
        replicas: publishes ? config.REDIS_QUEUE_REPLICAS : undefined,
        tellsCluster: config.BUS !== 'redis',
        ...common,
      }),
    postgres: () => SharedInboxModule.forRoot({ postgres: app.postgres, session, ...common }),
  };
  return queues[config.QUEUE]();
}
