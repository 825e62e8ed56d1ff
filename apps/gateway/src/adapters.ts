import type { DynamicModule, Provider } from '@nestjs/common';
import { FallbackTicketStore, tenantDirectoryFrom } from '@tocsin/auth';
import { bind, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import { AppEngines } from '@tocsin/engines';
import { queueOf } from '@tocsin/engines/queue';
import { NatsTicketStore } from '@tocsin/nats';
import {
  Database,
  databaseConnectionOf,
  PostgresModule,
  PostgresTenantDirectory,
  PostgresTicketStore,
} from '@tocsin/postgres';
import { bridgesPlain, plainPrefixOf, RedisTicketStore } from '@tocsin/redis';
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
  const engines = new AppEngines(config, {
    role: database.role,
    applicationName: 'tocsin gateway',
    postgres,
    observability,
  });
  const queue = queueOf(config, engines, { health: { critical: false }, publishes: true });
  const bus = engines.bus({
    plainPrefix: plainPrefixOf(config),
    bridgesPlain: bridgesPlain(config),
    keepsState: true,
  });
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
