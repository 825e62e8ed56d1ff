import 'reflect-metadata';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
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
import { databaseConnectionOf, PostgresModule } from '@tocsin/postgres';
import { misspeltSettings } from '@tocsin/settings';
import { loadConfig, settings, type NotifierConfig } from './config';
import { giveWay } from './give-way';
import { enabledChannels, NotifierModule, notifierReport } from './notifier.module';

/**
 * The notifier on PostgreSQL, with a doorbell over the bus. Without a bus it looks for due deliveries once a second.
 */
runProcess(async (life) => {
  const config = loadConfig(process.env);
  const refused = giveWay(config.NOTIFIER_NICE);
  const observability = ObservabilityModule.forRoot({ app: 'notifier', version, settings: config });

  const app = await NestFactory.createApplicationContext(
    NotifierModule.forRoot(config, [observability, ...adaptersFrom(config, observability)]),
    // a start that fails says why itself: without autoFlushLogs Nest adds nothing to it
    { bufferLogs: true, autoFlushLogs: false, abortOnError: false },
  );
  const log = app.get(Log);
  app.useLogger(app.get(NestLogger));
  life.reportsTo(log, app.get(Health));
  life.closes(app);

  await app.get(AdminServer).listen();
  await app
    .get(Health)
    .waitUntilUp(config.DB_READY_TIMEOUT, (dependencies) => log.info({ dependencies }, 'waiting for dependencies'));
  app.get(Health).ready();

  const { enabled, warnings } = notifierReport(enabledChannels(app), config);
  const misspelt = misspeltSettings(Object.keys(settings), process.env);
  tellStart(log, { enabled, warnings: [...warnings, ...(refused ? [refused] : []), ...misspelt] });
  log.info({ admin_port: app.get(AdminServer).address()?.port, channels: enabledChannels(app) }, 'sending');
});

function adaptersFrom(config: NotifierConfig, observability: DynamicModule): DynamicModule[] {
  const postgres = PostgresModule.forRoot({
    connection: databaseConnectionOf(config)!,
    role: 'tocsin_notifier',
    poolSize: config.DB_POOL_SIZE,
    statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
    applicationName: 'tocsin notifier',
    webhookKey: config.WEBHOOK_KEY,
    observability,
  });
  // readiness does not depend on the bus, because a lost ring costs only a second
  const engines = new AppEngines(config, {
    role: 'tocsin_notifier',
    applicationName: 'tocsin notifier',
    postgres,
    observability,
  });
  return [postgres, engines.bus()];
}
