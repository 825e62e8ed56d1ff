import type { DynamicModule, Provider } from '@nestjs/common';
import { FallbackTicketStore, tenantDirectoryFrom } from '@tocsin/auth';
import { bind, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import { NatsBusModule, NatsConnectionModule, NatsQueueModule, NatsTicketStore } from '@tocsin/nats';
import {
  Database,
  databaseConnectionOf,
  InboxModule,
  listeningConnectionOf,
  PostgresBusModule,
  PostgresModule,
  PostgresSessionModule,
  PostgresTenantDirectory,
  PostgresTicketStore,
} from '@tocsin/postgres';
import { RabbitModule } from '@tocsin/rabbitmq';
import { bridgesPlain, plainPrefixOf, RedisModule, RedisQueueModule, RedisTicketStore } from '@tocsin/redis';
import type { loadConfig } from './config';

/**
 * The ports of the gateway on the engines that its settings name. An application that mounts the gateway uses it too.
 */
export function gatewayAdapters(config: ReturnType<typeof loadConfig>, observability: DynamicModule): DynamicModule {
  const database = {
    connection: databaseConnectionOf(config)!,
    role: 'tocsin_gateway' as const,
    poolSize: config.DB_POOL_SIZE,
    statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
  };
  const postgres = PostgresModule.forRoot({
    ...database,
    applicationName: 'tocsin gateway',
    webhookKey: config.WEBHOOK_KEY,
    replicaUrl: config.DATABASE_REPLICA_URL,
    observability,
  });
  const session = PostgresSessionModule.forRoot({
    connection: listeningConnectionOf(config),
    role: database.role,
    applicationName: 'tocsin gateway',
    postgres,
    observability,
  });
  const nats = NatsConnectionModule.forRoot({ url: config.NATS_URL!, credentials: config.NATS_CREDENTIALS });
  const queues: Record<typeof config.QUEUE, () => DynamicModule> = {
    rabbitmq: () =>
      RabbitModule.forRoot({
        url: config.RABBITMQ_URL!,
        prefix: config.RABBITMQ_PREFIX,
        health: { critical: false },
        observability,
      }),
    nats: () =>
      NatsQueueModule.forRoot({
        connection: nats,
        prefix: config.NATS_PREFIX,
        replicas: config.NATS_REPLICAS,
        limit: config.NATS_QUEUE_LIMIT,
        health: { critical: false },
        observability,
      }),
    redis: () =>
      RedisQueueModule.forRoot({
        url: config.REDIS_URL!,
        prefix: config.REDIS_PREFIX,
        limit: config.REDIS_QUEUE_LIMIT,
        replicas: config.REDIS_QUEUE_REPLICAS,
        health: { critical: false },
        observability,
      }),
    postgres: () => InboxModule.forRoot(postgres, session),
  };
  const queue = queues[config.QUEUE]();
  const hintKey = config.REDIS_HINT_KEY;
  const buses: Record<typeof config.BUS, () => DynamicModule> = {
    redis: () =>
      RedisModule.forRoot({
        url: config.REDIS_URL!,
        prefix: config.REDIS_PREFIX,
        hintKey,
        plainPrefix: plainPrefixOf(config),
        bridgesPlain: bridgesPlain(config),
        keys: postgres,
        observability,
      }),
    nats: () =>
      NatsBusModule.forRoot({
        connection: nats,
        prefix: config.NATS_PREFIX,
        replicas: config.NATS_REPLICAS,
        hintKey,
        keys: postgres,
        keepsState: true,
        observability,
      }),
    postgres: () => PostgresBusModule.forRoot({ postgres, session, hintKey, observability }),
  };
  const bus = buses[config.BUS]();
  const tickets = { redis: [ticketsOver(RedisTicketStore)], nats: [ticketsOver(NatsTicketStore)], postgres: [] }[
    config.BUS
  ];
  const directory = tenantDirectoryFrom(config);
  return {
    module: class GatewayAdapters {},
    imports: [postgres, queue, bus],
    providers: [
      ...tickets,
      directory
        ? { provide: TenantDirectory, useValue: directory }
        : bind(TenantDirectory, PostgresTenantDirectory, Database),
    ],
    exports: [postgres, queue, bus, ...tickets.map(() => TicketStore), TenantDirectory],
  };
}

/** Keeps tickets single-use while the store of the bus is away. */
function ticketsOver(store: typeof RedisTicketStore | typeof NatsTicketStore): Provider {
  return {
    provide: TicketStore,
    useFactory: (first: TicketStore, database: Database) =>
      new FallbackTicketStore(first, new PostgresTicketStore(database)),
    inject: [store, Database],
  };
}
