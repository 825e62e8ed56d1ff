// The servers that are measured, each started in its best configuration: `start()` returns `open` and `feed`, which
// tell the load generator how to reach the server, and `pid`, whose CPU and memory count.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { connect, createServer as createTcpServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';
import { maxDescriptors, SERVER_CORE, start, stop } from './processes.mjs';
import { countQueries } from './query-counter.mjs';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
export const BASE_ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME, TZ: 'UTC', NODE_ENV: 'production' };
const NCHAN_MODULES = ['/usr/lib/nginx/modules/ngx_nchan_module.so', '/usr/lib64/nginx/modules/ngx_nchan_module.so'];

const installed = (name) => {
  try {
    return JSON.parse(readFileSync(join(here, '..', '..', 'node_modules', name, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
};

/** The gateway of a build, with a database and a Redis prefix of its own. `counted`: a proxy counts its statements. */
export function tocsin({ name = 'tocsin', dist, services, folder, counted = false, nodeArgs = [] }) {
  const secret = randomBytes(32).toString('hex');
  const prefix = `bench-${randomBytes(5).toString('hex')}.`;
  // Without a key in common the hints of the feeder would not be trusted, and the row would measure the slower way.
  const hintKey = randomBytes(32).toString('hex');
  const database = `tocsin_bench_${randomBytes(5).toString('hex')}`;
  const databaseUrl = Object.assign(new URL(services.DATABASE_URL), { pathname: `/${database}` }).toString();
  let child;
  let counter;
  let tenantService;
  return {
    name,
    about: `${readVersion()}, JWT verified, RLS, PostgreSQL and Redis behind it`,
    dist,
    async start() {
      await onServer(services.DATABASE_URL, `create database ${database} template template0`);
      await require(join(dist, 'libs/postgres/src/index.js')).migrate({ connection: { url: databaseUrl } });
      tenantService = await startTenantService();
      counter = counted ? await countQueries(databaseUrl) : undefined;
      const server = await start({
        args: [...nodeArgs, join(dist, 'apps/gateway/src/main.js')],
        env: {
          ...BASE_ENVIRONMENT,
          PORT: '0',
          ADMIN_PORT: '0',
          DATABASE_URL: counter?.url ?? databaseUrl,
          REDIS_URL: services.REDIS_URL,
          REDIS_PREFIX: prefix,
          REDIS_HINT_KEY: hintKey,
          RABBITMQ_URL: services.RABBITMQ_URL,
          RABBITMQ_PREFIX: prefix,
          JWT_SECRET: secret,
          TENANT_SERVICE_URL: tenantService.url,
          // asked with a token of its own, the service answers for a user; with the user's token, for that token only
          TENANT_SERVICE_TOKEN: 'bench',
          // no heartbeat happens during a measurement
          HEARTBEAT_MS: '55000',
          ...HIGH_LIMITS,
        },
        core: SERVER_CORE,
        logFile: join(folder, `${name}.log`),
        until: (line) => (line.includes('"listening"') ? JSON.parse(line) : undefined),
      });
      child = server.child;
      const { port, admin_port } = await server.ready;
      this.pid = child.pid;
      this.open = { port, path: '/api/events', secret };
      this.feed = { kind: 'log', databaseUrl, redisUrl: services.REDIS_URL, redisPrefix: prefix, hintKey };
      this.adminPort = admin_port;
    },
    statements: () => counter?.statements(),
    async stop() {
      await stop(child);
      counter?.close();
      tenantService?.close();
      await forgetTopology(services.RABBITMQ_URL, prefix);
      await onServer(services.DATABASE_URL, `drop database if exists ${database} with (force)`);
    },
  };
}

/**
 * Ten thousand streams of few addresses and tenants are normal here. The limits are high instead of off, because
 * counting is part of the cost.
 */
const HIGH_LIMITS = {
  STREAMS_PER_USER: '1000000',
  STREAMS_PER_TENANT: '1000000',
  STREAMS_PER_ADDRESS: '1000000',
  CONNECTS_PER_SECOND: '10000',
  MAX_STREAMS: '1000000',
  DRAIN_MS: '0',
};

export function nchan({ folder }) {
  const module = NCHAN_MODULES.find(existsSync);
  let child;
  return {
    name: 'nchan',
    about: 'nginx + nchan 1.3, in memory, no authentication',
    missing: module ? undefined : 'nginx with nchan is not installed (Debian: nginx-light libnginx-mod-nchan)',
    async start() {
      const port = await freePort();
      const work = join(folder, 'nginx');
      mkdirSync(work, { recursive: true });
      const descriptors = Math.min(maxDescriptors(), 65_536);
      const values = {
        MODULE: module,
        USER: process.getuid() === 0 ? 'user root;' : '',
        FOLDER: work,
        PORT: port,
        DESCRIPTORS: descriptors,
        CONNECTIONS: descriptors - 100,
      };
      const config = readFileSync(join(here, 'servers', 'nginx.conf'), 'utf8').replace(
        /@(\w+)@/g,
        (_, key) => values[key],
      );
      writeFileSync(join(work, 'nginx.conf'), config);
      const server = await start({
        command: 'nginx',
        args: ['-p', work, '-c', join(work, 'nginx.conf')],
        env: BASE_ENVIRONMENT,
        core: SERVER_CORE,
        logFile: join(folder, 'nchan.log'),
        until: () => undefined,
        timeoutMs: 2 ** 30,
      });
      child = server.child;
      await Promise.race([server.ready, answers(port)]);
      server.ready.catch(() => undefined);
      this.pid = child.pid;
      this.open = { port, path: '/sub/{tenant}' };
      this.feed = { kind: 'http', port, path: '/pub/{tenant}' };
    },
    stop: () => stop(child),
  };
}

const nodePeer = ({ name, script, environment = {}, about, missing, folder }) => {
  let child;
  return {
    name,
    about,
    missing,
    async start() {
      const server = await start({
        args: [join(here, 'servers', script)],
        env: { ...BASE_ENVIRONMENT, ...environment },
        core: SERVER_CORE,
        logFile: join(folder, `${name}.log`),
        until: (line) => (line.includes('"ready"') ? JSON.parse(line) : undefined),
      });
      child = server.child;
      const { port, feedPort } = await server.ready;
      this.pid = child.pid;
      this.open = { port, path: '/sub/{tenant}' };
      this.feed = { kind: 'lines', port: feedPort };
    },
    stop: () => stop(child),
  };
};

const missingPackage = (name) => (installed(name) ? undefined : `${name} is not installed`);

export const betterSse = ({ folder }) =>
  nodePeer({
    name: 'better-sse',
    script: 'better-sse.cjs',
    about: `${installed('better-sse')}, channel.broadcast, no authentication`,
    missing: missingPackage('better-sse'),
    folder,
  });

export const betterSseBatch = ({ folder }) =>
  nodePeer({
    name: 'better-sse (batch)',
    script: 'better-sse.cjs',
    environment: { BETTER_SSE: 'batch' },
    about: `${installed('better-sse')}, session.batch of a shared buffer`,
    missing: missingPackage('better-sse'),
    folder,
  });

export const nestSse = ({ folder }) =>
  nodePeer({
    name: 'Nest @Sse()',
    script: 'nest-sse.cjs',
    about: `${installed('@nestjs/core')}, one shared Observable, no authentication`,
    missing: missingPackage('@nestjs/platform-express'),
    folder,
  });

// ---- the services of a gateway --------------------------------------------------------------------------------------

/** A user's name is `u<tenant>-<number>`, which contains the user's tenant. */
async function startTenantService() {
  const server = createServer((request, response) => {
    const tenant = /\/users\/u(\d+)-/.exec(request.url)?.[1];
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ tenants: [{ id: `t${tenant}`, name: `Tenant ${tenant}` }] }));
  });
  await new Promise((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => (server.closeAllConnections(), server.close()),
  };
}

async function onServer(url, sql) {
  const { Client } = require('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/** Deletes the queues and exchanges that the gateway declared under its prefix. */
async function forgetTopology(url, prefix) {
  const connection = await require('amqplib')
    .connect(url)
    .catch(() => undefined);
  if (!connection) return;
  const channel = await connection.createChannel();
  for (const queue of [
    'alert-processor.urgent',
    'alert-processor',
    'alert-processor.expired',
    'alert-processor.expired.urgent',
    'alert-processor.suspects',
    'alerts.delivery-limit',
    'alerts.dead',
  ])
    await channel.deleteQueue(prefix + queue);
  for (const exchange of [
    'alerts.exchange',
    'alerts.intake',
    'alerts.rest',
    'alerts.suspects',
    'alerts.expired',
    'alerts.alone',
    'alerts.delivery-limit',
  ])
    await channel.deleteExchange(prefix + exchange);
  await connection.close();
}

function readVersion() {
  return JSON.parse(readFileSync(join(here, '..', '..', 'package.json'), 'utf8')).version;
}

export const freePort = () =>
  new Promise((resolve) => {
    const server = createTcpServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export async function answers(port) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await sleep(100);
  }
  throw new Error(`nothing listens on ${port}`);
}
