// Complete systems to measure: each has a database, queues and a key prefix of its own, a gateway, and one of the
// processors.
import { createHmac, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start, startHelper, stop } from '../stream/processes.mjs';
import { profileArgs, profileClock } from './profiles.mjs';

const require = createRequire(import.meta.url);
const { connect } = require('amqplib');
const { Client } = require('pg');
const here = fileURLToPath(new URL('.', import.meta.url));

/** Every process may run on these two cores and on no others. */
export const CORES = '0,1';
const BASE_ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME, TZ: 'UTC', NODE_ENV: 'production' };
const HINT_KEY = randomBytes(32).toString('hex');
const LIMITS_OFF = {
  STREAMS_PER_USER: '0',
  STREAMS_PER_TENANT: '0',
  STREAMS_PER_ADDRESS: '0',
  CONNECTS_PER_SECOND: '0',
  DRAIN_MS: '0',
};
/** The queues that a processor consumes. */
export const QUEUES = ['alert-processor.urgent', 'alert-processor'];
/** The other queues that are declared. Deleting a missing queue is no error. */
const OTHER_QUEUES = [
  'alert-processor.expired',
  'alert-processor.expired.urgent',
  'alert-processor.suspects',
  'alerts.delivery-limit',
  'alerts.dead',
];
const EXCHANGES = [
  'alerts.exchange',
  'alerts.intake',
  'alerts.rest',
  'alerts.suspects',
  'alerts.expired',
  'alerts.alone',
  'alerts.delivery-limit',
];

/**
 * The processor of a build, with the settings `env` for it and its gateway. `backlog` and `window` are the contender's
 * load: enough for seconds, not for minutes.
 */
export const tocsin = ({ name = 'tocsin', dist, env }) => ({
  name,
  env,
  about: 'batches, lanes, row-level security',
  dist,
  backlog: 60_000,
  window: 2_000,
  program: { args: [join(dist, 'apps/alert-processor/src/main.js')] },
});

/** The usual way, with `prefetch` messages at a time. */
export const oneByOne = ({ prefetch, dist }) => ({
  name: `one by one, ${prefetch}`,
  about: `amqplib, prefetch ${prefetch}, one transaction and one publish an alert, no row-level security`,
  dist,
  usual: true,
  backlog: 80 * prefetch + 1_000,
  window: 4 * prefetch,
  program: { args: [join(here, 'servers/one-by-one.cjs')], env: { PREFETCH: String(prefetch), BENCH_BUILD: dist } },
});

/**
 * One processor's complete system. Call `open` first, then measure; `startProcessor` and `stopProcessor` may be called
 * repeatedly; `close` removes everything. With `profilesIn`, a folder, each processor leaves a profile there.
 */
export class Site {
  /** The profiles of the processors since they were last read, each with the time from which it counts. */
  profiles = [];

  constructor(contender, { services, folder, profilesIn, tenants, subscribersOfEach }) {
    this.contender = contender;
    this.services = services;
    this.folder = folder;
    this.profilesIn = profilesIn;
    this.tenants = tenants;
    this.subscribersOfEach = subscribersOfEach;
    this.prefix = `bench-${randomBytes(5).toString('hex')}.`;
    this.database = `tocsin_bench_${randomBytes(5).toString('hex')}`;
    this.databaseUrl = Object.assign(new URL(services.DATABASE_URL), { pathname: `/${this.database}` }).toString();
  }

  async open() {
    await this.openDatabase();
    await require(join(this.contender.dist, 'libs/postgres/src/index.js')).migrate({
      connection: { url: this.databaseUrl },
    });
    await this.openGateway();
    await this.openBroker();
    await this.openGenerator();
  }

  async openDatabase() {
    await this.onServer(`create database ${this.database} template template0`);
    this.sql = new Client({ connectionString: this.databaseUrl });
    await this.sql.connect();
  }

  async openGateway() {
    const secret = randomBytes(32).toString('hex');
    this.tokens = Array.from({ length: this.tenants * this.subscribersOfEach }, (_, i) =>
      tokenFor(`u${i}`, `t${i % this.tenants}`, secret),
    );
    const { child, ready } = await start({
      args: [join(this.contender.dist, 'apps/gateway/src/main.js')],
      env: {
        ...this.environment,
        PORT: '0',
        JWT_SECRET: secret,
        JWT_TENANTS_CLAIM: 'tenants',
        HEARTBEAT_MS: '55000',
        ...LIMITS_OFF,
      },
      core: CORES,
      logFile: join(this.folder, `${this.contender.name}-gateway.log`),
      until: (line) => (line.includes('"listening"') ? JSON.parse(line) : undefined),
    });
    this.gateway = child;
    this.port = (await ready).port;
  }

  async openBroker() {
    this.broker = await connect(this.services.RABBITMQ_URL);
    this.broker.on('error', () => undefined);
    this.channel = await this.broker.createChannel();
    // the first process declares the topology; the one-by-one consumer relies on others
    const rabbitmq = (file) => require(join(this.contender.dist, 'libs/rabbitmq/src', file));
    // in older builds the names were in the file that declares them
    const { declareTopology, topologyOf = rabbitmq('topology-names.js').topologyOf } = rabbitmq('topology.js');
    await declareTopology(this.channel, topologyOf(this.prefix));
  }

  async openGenerator() {
    const { services, prefix, tenants } = this;
    this.generator = startHelper(join(here, 'generator.mjs'), {}, CORES);
    await this.generator.ask({ act: 'open', amqpUrl: services.RABBITMQ_URL, prefix, tenants });
  }

  /** Opens a stream for each subscriber. Before that the gateway has no work. */
  async watch() {
    if (this.watched) return;
    this.watched = true;
    const { live, failures } = await this.generator.ask({ act: 'watch', port: this.port, tokens: this.tokens });
    if (live < this.tokens.length) throw new Error(`${live} of ${this.tokens.length} streams opened: ${failures}`);
  }

  get environment() {
    const { services, prefix } = this;
    return {
      ...BASE_ENVIRONMENT,
      ADMIN_PORT: '0',
      DATABASE_URL: this.databaseUrl,
      REDIS_URL: services.REDIS_URL,
      REDIS_PREFIX: prefix,
      // every contender's hints are trusted by the gateway: an unsigned one would make it read the log
      REDIS_HINT_KEY: HINT_KEY,
      RABBITMQ_URL: services.RABBITMQ_URL,
      RABBITMQ_PREFIX: prefix,
      ...this.contender.env,
    };
  }

  /** Resolves once the processor consumes. */
  async startProcessor() {
    const { args, env } = this.contender.program;
    const profile = `${this.contender.name}-${randomBytes(4).toString('hex')}.cpuprofile`;
    const { child, ready } = await start({
      args: [...(this.profilesIn ? profileArgs(this.profilesIn, profile) : []), ...args],
      env: { ...this.environment, ...env },
      core: CORES,
      logFile: join(this.folder, `${this.contender.name}.log`),
      until: (line) => (line.includes('"consuming"') ? true : undefined),
    });
    this.processor = child;
    await ready;
    if (this.profilesIn) this.profiles.push({ file: join(this.profilesIn, profile), since: profileClock() });
  }

  async stopProcessor() {
    await stop(this.processor);
    this.processor = undefined;
  }

  /** How many entries the event log has: the sum of the tenants' numbers, which costs nearly nothing to query. */
  async stored() {
    return Number(
      (await this.sql.query('select coalesce(sum(last_seq), 0) as stored from tocsin.tenant_stream')).rows[0].stored,
    );
  }

  /** The processes of PostgreSQL that work for this site, without the bench's own connection. */
  async backends() {
    const { rows } = await this.sql.query(
      'select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    return rows.map(({ pid }) => pid);
  }

  /** How many messages are in the queues, without unacknowledged ones. */
  async waiting() {
    const queues = await Promise.all(QUEUES.map((queue) => this.channel.checkQueue(this.prefix + queue)));
    return queues.reduce((sum, { messageCount }) => sum + messageCount, 0);
  }

  /** Deletes the messages in the queues. Resolves to 0. */
  async purge() {
    for (const queue of QUEUES) await this.channel.purgeQueue(this.prefix + queue);
    return 0;
  }

  /** Removes everything, also after an incomplete `open`. May be called twice. */
  close() {
    this.closing ??= this.tidyUp();
    return this.closing;
  }

  async tidyUp() {
    // over a connection of its own: after an error the broker closes the channel
    const forgetTopology = async () => {
      const broker = await connect(this.services.RABBITMQ_URL);
      const channel = await broker.createChannel();
      for (const queue of [...QUEUES, ...OTHER_QUEUES]) await channel.deleteQueue(this.prefix + queue);
      for (const exchange of EXCHANGES) await channel.deleteExchange(this.prefix + exchange);
      await broker.close();
    };
    const steps = [
      () => this.generator?.ask({ act: 'close' }),
      () => stop(this.generator?.child),
      () => stop(this.processor),
      () => stop(this.gateway),
      () => this.sql?.end(),
      () => this.broker?.close(),
      forgetTopology,
      () => this.onServer(`drop database if exists ${this.database} with (force)`),
    ];
    for (const step of steps)
      await Promise.resolve()
        .then(step)
        .catch(() => undefined);
  }

  async onServer(statement) {
    const client = new Client({ connectionString: this.services.DATABASE_URL });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  }
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenFor(user, tenant, secret) {
  const now = Math.floor(Date.now() / 1000);
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: user, tenants: [{ id: tenant, name: tenant, role: 'viewer' }], iat: now, exp: now + 7_200 })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
