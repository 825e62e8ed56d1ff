import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { DynamicModule } from '@nestjs/common';
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
  version,
} from '@tocsin/observability';
import {
  Database,
  databaseConnectionOf,
  PostgresModule,
  PostgresTenantDirectory,
  PostgresTicketStore,
} from '@tocsin/postgres';
import { RabbitModule } from '@tocsin/rabbitmq';
import { RedisModule, RedisTicketStore } from '@tocsin/redis';
import { misspeltSettings } from '@tocsin/settings';
import { loadConfig, settings } from './config';
import { GatewayModule } from './gateway.module';
import { openHttp, prepareHttp } from './http-server';
import { gatewayReport } from './start-report';

/** The gateway on RabbitMQ, PostgreSQL and Redis: all three are required. */
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
  tellStart(log, { enabled, warnings: [...warnings, ...misspeltSettings(Object.keys(settings), process.env)] });
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
  const rabbit = RabbitModule.forRoot({
    url: config.RABBITMQ_URL,
    prefix: config.RABBITMQ_PREFIX,
    health: { critical: false },
    observability,
  });
  const redis = RedisModule.forRoot({
    url: config.REDIS_URL,
    prefix: config.REDIS_PREFIX,
    hintKey: config.REDIS_HINT_KEY,
    keys: postgres,
    observability,
  });
  const directory = tenantDirectoryFrom(config);
  return {
    module: class GatewayAdapters {},
    imports: [postgres, rabbit, redis],
    providers: [
      {
        provide: TicketStore,
        useFactory: (first: RedisTicketStore, database: Database) =>
          new FallbackTicketStore(first, new PostgresTicketStore(database)),
        inject: [RedisTicketStore, Database],
      },
      directory
        ? { provide: TenantDirectory, useValue: directory }
        : bind(TenantDirectory, PostgresTenantDirectory, Database),
    ],
    exports: [postgres, rabbit, redis, TicketStore, TenantDirectory],
  };
}
