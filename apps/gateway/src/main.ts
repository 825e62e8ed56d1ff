import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AuthModule } from '@tocsin/auth';
import {
  AdminServer,
  Health,
  Log,
  NestLogger,
  ObservabilityModule,
  runProcess,
  tellStart,
  ThisProcess,
  Trace,
  version,
} from '@tocsin/observability';
import { misspeltSettings } from '@tocsin/settings';
import { gatewayAdapters } from './adapters';
import { loadConfig, settings } from './config';
import { GatewayModule } from './gateway.module';
import { openHttp, prepareHttp } from './http-server';
import { gatewayReport } from './start-report';

/** The gateway on PostgreSQL and on the services that QUEUE and BUS name. */
runProcess(async (life) => {
  const config = loadConfig(process.env);
  const observability = ObservabilityModule.forRoot({ app: 'gateway', version, settings: config });
  const adapters = gatewayAdapters(config, observability);
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
  prepareHttp(app, config, app.get(Trace));

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
