import 'reflect-metadata';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { weakAuthSettings } from '@tocsin/auth';
import { openPglite } from '@tocsin/embedded';
import {
  AdminServer,
  Health,
  Log,
  NestLogger,
  runProcess,
  ThisProcess,
  Trace,
  version,
  type StartReport,
} from '@tocsin/observability';
import {
  Database,
  databaseConnectionOf,
  databaseUrlOf,
  migrate,
  migrationUrlOf,
  PostgresTenantDirectory,
} from '@tocsin/postgres';
import { connectProcessor, plainReport } from '../../alert-processor/src/alert-processor.module';
import { gatewayReport, openHttp, prepareHttp } from '../../gateway/src/gateway.module';
import { enabledChannels } from '../../notifier/src/notifier.module';
import { misspeltSettings } from '@tocsin/settings';
import { ignoredEngines, loadConfig, outboxFolderOf, settings, type StandaloneConfig } from './config';
import { DEMO_MEMBERSHIPS, DEMO_USER, demoToken, introduceRecipients, keptSecret } from './demo-data';
import { explainPortInUse } from './port-in-use';
import { StandaloneModule } from './standalone.module';
import { SilentBlock, StartBlock } from './start-block';

const HELP = `Tocsin, all of it in one process, on embedded adapters.

  npm start                begin, or go on where it was
  npm start -- --reset     begin anew: the database and the secret in DATA_DIR (.tocsin) are deleted
  npm start -- --json      print one JSON value when it is ready, with its addresses and a token, and no words
  DATABASE_URL=… RABBITMQ_URL=… REDIS_URL=… npm start
                           use a real service instead of the embedded one
  PORT=8001 ADMIN_PORT=9091 npm start

Every setting stands in .env.example.
`;

runProcess(async (life) => {
  const { values: options } = parseArgs({
    options: {
      reset: { type: 'boolean' },
      json: { type: 'boolean' },
      // how a person calls the command line: `tocsin`, where it is installed as a package; else by npm's scripts
      called: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (options.help) return void process.stdout.write(HELP);
  const config = loadConfig(process.env);
  const command = (name: string) => (options.called === undefined ? `npm run ${name} --` : `${options.called} ${name}`);
  const start = options.called === undefined ? 'npm start' : `${options.called} start`;
  const block = options.json
    ? new SilentBlock()
    : new StartBlock((text) => process.stdout.write(text), process.stdout.isTTY);
  block.title(version);
  block.prepared();

  const url = databaseUrlOf(config);
  const connection = await block.step(
    'database',
    url ? 'PostgreSQL (DATABASE_URL)' : `embedded, ${config.DATA_DIR}/       (DATABASE_URL for PostgreSQL)`,
    async () => {
      const pglite = url ? undefined : await openPglite(join(config.DATA_DIR, 'database'), { anew: options.reset });
      if (pglite) life.closes(pglite);
      await migrate({ connection: pglite ? { stream: () => pglite.stream() } : { url: migrationUrlOf(config)! } });
      return pglite ? { stream: () => pglite.stream() } : databaseConnectionOf(config)!;
    },
  );
  // after the database: it refuses a folder that another process uses, before anything in the folder is changed
  const secret = config.JWT_JWKS_URL
    ? undefined
    : (config.JWT_SECRET ?? keptSecret(config.DATA_DIR, { anew: options.reset }));

  if (options.reset) rmSync(join(config.DATA_DIR, 'outbox'), { recursive: true, force: true });

  const app = await NestFactory.create<NestExpressApplication>(
    StandaloneModule.forRoot({ ...config, JWT_SECRET: secret }, connection),
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

  await explainPortInUse(config, 'ADMIN_PORT', () => app.get(AdminServer).listen(), start);
  await app.init();
  await app
    .get(Health)
    .waitUntilUp(config.DB_READY_TIMEOUT, (dependencies) => log.warn({ dependencies }, 'waiting for dependencies'));
  block.done(
    'queue',
    undefined,
    config.RABBITMQ_URL ? 'RabbitMQ (RABBITMQ_URL)' : 'embedded, durable        (RABBITMQ_URL for RabbitMQ)',
  );
  block.done(
    'bus',
    undefined,
    config.REDIS_URL ? 'Redis (REDIS_URL)' : 'in process               (REDIS_URL for Redis)',
  );
  if (usesTable(config)) {
    await new PostgresTenantDirectory(app.get(Database)).introduce(DEMO_USER, DEMO_MEMBERSHIPS);
    // a real mail server must not send to the recipients of the demo, who did not ask for mail
    if (outboxFolderOf(config)) await introduceRecipients(app.get(Database));
    block.done('demo', undefined, `${DEMO_USER} in ${DEMO_MEMBERSHIPS.map(({ tenant_id }) => tenant_id).join(', ')}`);
  }
  await connectProcessor(app);
  const port = await explainPortInUse(config, 'PORT', () => openHttp(app, config.PORT), start);
  app.get(Health).ready();

  const adminPort = app.get(AdminServer).address()?.port;
  log.info({ port, admin_port: adminPort }, 'listening');
  const token =
    secret &&
    demoToken(secret, {
      issuer: config.JWT_ISSUER,
      audience: config.JWT_AUDIENCE,
      tenantsClaim: config.TENANT_SERVICE_URL ? undefined : config.JWT_TENANTS_CLAIM,
    });
  const gateway = `http://localhost:${port}${config.BASE_PATH}`;
  // a command in a second terminal does not know this process's port and folder, so they are repeated
  const where = config.BASE_PATH ? `TOCSIN_URL=${gateway} ` : port === 8_000 ? '' : `PORT=${port} `;
  const here = `${where}${config.DATA_DIR === '.tocsin' ? '' : `DATA_DIR=${config.DATA_DIR} `}`;
  block.commands({
    ...(config.PAGE && { Open: `${gateway}/${token ? `#token=${token}` : ''}` }),
    Watch: watchCommand(`${gateway}/api/events`, token ?? '<token>', config.STREAM_QUERY_TOKEN),
    Publish: `${here}${command('publish')} --service inventory --severity urgent "Flour is low"`,
    Demo: `${here}${command('demo').replace(/ --$/, '')}`,
    ...(outboxFolderOf(config) && { Outbox: `http://localhost:${port}/outbox` }),
    API: `${gateway}/docs`,
    Health: `http://localhost:${adminPort}${config.HEALTH_PATH}`,
  });
  const report = reportOf(config, enabledChannels(app));
  app.get(ThisProcess).weaknesses = report.warnings;
  block.security(report);
  block.farewell(config.DATA_DIR, !url, options.called === undefined ? `${start} -- --reset` : `${start} --reset`);
  if (options.json) {
    const addresses = { url: gateway, admin_url: `http://localhost:${adminPort}` };
    process.stdout.write(
      `${JSON.stringify({ version, ...addresses, token: token ?? null, warnings: report.warnings })}\n`,
    );
  }
});

/** With STREAM_QUERY_TOKEN=deny an address with a token is refused. */
const watchCommand = (url: string, token: string, inAddress: boolean): string =>
  inAddress ? `curl -N "${url}?token=${token}"` : `curl -N -H "Authorization: Bearer ${token}" "${url}"`;

const usesTable = (config: StandaloneConfig): boolean => !config.TENANT_SERVICE_URL && !config.JWT_TENANTS_CLAIM;

function reportOf(config: StandaloneConfig, channels: readonly string[]): StartReport {
  const gateway = gatewayReport(config);
  const plain = plainReport(config.REDIS_URL ? config.REDIS_PLAIN : 'off');
  // an operator who configured an issuer or a secret sees warnings that a trial does not need
  const trial = !config.JWT_SECRET && !config.JWT_JWKS_URL;
  return {
    enabled: [
      ...new Set([...gateway.enabled, ...plain.enabled]),
      ...(config.RABBITMQ_URL ? ['publishing over AMQP'] : []),
      ...(config.DELIVERIES ? channels : []),
    ],
    warnings: [
      ...(databaseUrlOf(config)
        ? []
        : ['embedded storage: survives kill -9, not a power cut; for trying out, not for production']),
      ...gateway.warnings.filter((warning) => !trial || !weakAuthSettings(config).includes(warning)),
      ...plain.warnings,
      ...ignoredEngines(process.env, config),
      ...misspeltSettings(Object.keys(settings), process.env),
    ],
  };
}
