import 'reflect-metadata';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
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
import { AppEngines } from '@tocsin/engines';
import { queueOf } from '@tocsin/engines/queue';
import { databaseConnectionOf, PostgresModule } from '@tocsin/postgres';
import { bridgesPlain, plainPrefixOf, PlainMessagesModule } from '@tocsin/redis';
import { misspeltSettings } from '@tocsin/settings';
import { AlertProcessorModule, foldingOf, processorTransport } from './alert-processor.module';
import { loadConfig, settings, type AlertProcessorConfig } from './config';
import { processorReport } from './start-report';

/**
 * For how long a dependency may be down before the app is not ready, in milliseconds. A broker that restarts is away
 * for seconds; a longer outage must show in a rollout.
 */
const CONSUMER_UNREADY_AFTER_MS = 10_000;

/** The processor on PostgreSQL and on the services that QUEUE and BUS name. */
runProcess(async (life) => {
  const config = loadConfig(process.env);
  const observability = ObservabilityModule.forRoot({ app: 'alert-processor', version, settings: config });
  const adapters = adaptersFrom(config, observability);

  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(
    AlertProcessorModule.forRoot(
      config,
      [observability, ...adapters],
      bridgesPlain(config) ? { service: config.REDIS_PLAIN_SERVICE } : undefined,
    ),
    {
      ...processorTransport,
      bufferLogs: true,
      abortOnError: false,
    },
  );
  const log = app.get(Log);
  app.useLogger(app.get(NestLogger));
  life.reportsTo(log, app.get(Health));
  life.closes(app);

  await app.get(AdminServer).listen();
  await app.init();
  await app
    .get(Health)
    .waitUntilUp(config.DB_READY_TIMEOUT, (dependencies) => log.info({ dependencies }, 'waiting for dependencies'));
  await app.listen();
  app.get(Health).ready();

  const { enabled, warnings } = processorReport(config);
  tellStart(log, { enabled, warnings: [...warnings, ...misspeltSettings(Object.keys(settings), process.env)] });
  log.info({ admin_port: app.get(AdminServer).address()?.port }, 'consuming');
});

function adaptersFrom(config: AlertProcessorConfig, observability: DynamicModule): DynamicModule[] {
  const connection = databaseConnectionOf(config)!;
  const pool = {
    poolSize: config.DB_POOL_SIZE,
    statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
    applicationName: 'tocsin alert-processor',
  };
  const health = { critical: true, unreadyAfterMs: CONSUMER_UNREADY_AFTER_MS };
  const postgres = PostgresModule.forRoot({
    connection,
    role: 'tocsin_processor',
    folding: foldingOf(config),
    ...pool,
    observability,
  });
  const engines = new AppEngines(config, {
    role: 'tocsin_processor',
    applicationName: pool.applicationName,
    postgres,
    observability,
  });
  const queue = queueOf(config, engines, {
    health,
    publishes: bridgesPlain(config),
    prefetch: config.PROCESSOR_PREFETCH,
  });
  const bus = engines.bus({ plainPrefix: plainPrefixOf(config), bridgesPlain: bridgesPlain(config) });
  const plain = bridgesPlain(config)
    ? [
        PlainMessagesModule.forRoot({
          url: config.REDIS_URL!,
          prefix: config.REDIS_PREFIX,
          plainPrefix: config.REDIS_PLAIN_PREFIX,
          observability,
        }),
      ]
    : [];
  return [postgres, queue, bus, ...plain];
}
