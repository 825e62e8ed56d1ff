import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { DynamicModule, Provider } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AuthModule, FallbackTicketStore, tenantDirectoryFrom } from '@tocsin/auth';
import { bind, TenantDirectory, TicketStore } from '@tocsin/contracts/ports';
import {
  AdminServer,
  Health,
  Log,
  NestLogger,
  ObservabilityModule,
  runProcess,
  tellStart,
  ThisProcess,
  version,
} from '@tocsin/observability';
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
import { NatsQueueModule } from '@tocsin/nats';
import { RabbitModule } from '@tocsin/rabbitmq';
import { bridgesPlain, plainPrefixOf, RedisModule, RedisQueueModule, RedisTicketStore } from '@tocsin/redis';
import { misspeltSettings } from '@tocsin/settings';
import { loadConfig, settings } from './config';
import { GatewayModule } from './gateway.module';
import { openHttp, prepareHttp } from './http-server';
import { gatewayReport } from './start-report';

/** The gateway on PostgreSQL, RabbitMQ and Redis, or on PostgreSQL alone. */
runProcess(async (life) => {
  const config = loadConfig(process.env);
  const observability = ObservabilityModule.forRoot({ app: 'gateway', version, settings: config });
  const adapters = adaptersFrom(config, observability);
  const auth = AuthModule.forRoot({ settings: config, adapters, observability });

  const app = await NestFactory.create<NestExpressApplication>(
    GatewayModule.forRoot(config, [observability, adapters, auth]),
    {
      bodyParser: false,
      bufferLogs: true,
      abortOnError: false,
      forceCloseConnections: true,
    },
  );
  const log = app.get(Log);
  app.useLogger(app.get(NestLogger));
  life.reportsTo(log, app.get(Health));
  life.closes(app);
  prepareHttp(app, config);

  await app.get(AdminServer).listen();
  await app.init();
  await app
    .get(Health)
    .waitUntilUp(config.DB_READY_TIMEOUT, (dependencies) => log.info({ dependencies }, 'waiting for dependencies'));
  const port = await openHttp(app, config.PORT);
  app.get(Health).ready();

  const { enabled, warnings } = gatewayReport(config);
  const weaknesses = [...warnings, ...misspeltSettings(Object.keys(settings), process.env)];
  app.get(ThisProcess).weaknesses = weaknesses;
  tellStart(log, { enabled, warnings: weaknesses });
  log.info({ port, admin_port: app.get(AdminServer).address()?.port }, 'listening');
});

function adaptersFrom(config: ReturnType<typeof loadConfig>, observability: DynamicModule): DynamicModule {
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
    observability,
  });
  const session = PostgresSessionModule.forRoot({
    connection: listeningConnectionOf(config),
    role: database.role,
    applicationName: 'tocsin gateway',
    postgres,
    observability,
  });
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
        url: config.NATS_URL!,
        credentials: config.NATS_CREDENTIALS,
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
        health: { critical: false },
        observability,
      }),
    postgres: () => InboxModule.forRoot(postgres, session),
  };
  const queue = queues[config.QUEUE]();
  const bus =
    config.BUS === 'postgres'
      ? PostgresBusModule.forRoot({ postgres, session, hintKey: config.REDIS_HINT_KEY, observability })
      : RedisModule.forRoot({
          url: config.REDIS_URL!,
          prefix: config.REDIS_PREFIX,
          hintKey: config.REDIS_HINT_KEY,
          plainPrefix: plainPrefixOf(config),
          bridgesPlain: bridgesPlain(config),
          keys: postgres,
          observability,
        });
  const directory = tenantDirectoryFrom(config);
  return {
    module: class GatewayAdapters {},
    imports: [postgres, queue, bus],
    providers: [
      ...(config.BUS === 'redis' ? [ticketStoreOverRedis()] : []),
      directory
        ? { provide: TenantDirectory, useValue: directory }
        : bind(TenantDirectory, PostgresTenantDirectory, Database),
    ],
    exports: [postgres, queue, bus, ...(config.BUS === 'redis' ? [TicketStore] : []), TenantDirectory],
  };
}

/** Keeps tickets single-use while Redis is away. */
function ticketStoreOverRedis(): Provider {
  return {
    provide: TicketStore,
    useFactory: (first: RedisTicketStore, database: Database) =>
      new FallbackTicketStore(first, new PostgresTicketStore(database)),
    inject: [RedisTicketStore, Database],
  };
}
