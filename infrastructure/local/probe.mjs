// Says which of the given services answer a login. Reads lines `<service> <url>` from standard input, in the order of
// preference, and prints `<service> <url>` for the first of each service that lets us in, or `! <service> <reason>`
// when none does. With `--wait <seconds>` it tries again until each answers. Exit code 0: every service that was asked
// for answered. URLs come by standard input because arguments can be read by everybody on the machine.
import { argv, exit, stderr, stdin, stdout } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const TRY_TIMEOUT_MS = 3_000;
const RETRY_EVERY_MS = 150;
const SAY_EVERY_MS = 2_500;

/** The tests make databases and roles of their own, and the log needs what PostgreSQL has since 15. */
async function postgres(url) {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: TRY_TIMEOUT_MS,
    query_timeout: TRY_TIMEOUT_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query(
      `select current_setting('server_version_num')::int as version, rolsuper or (rolcreatedb and rolcreaterole) as may_create
         from pg_roles where rolname = current_user`,
    );
    if (rows[0].version < 150_000) throw new Error('is older than PostgreSQL 15');
    if (!rows[0].may_create) throw new Error('lets us in, but not create databases and roles');
  } finally {
    await client.end().catch(() => {});
  }
}

async function redis(url) {
  const { Redis } = await import('ioredis');
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: TRY_TIMEOUT_MS,
    commandTimeout: TRY_TIMEOUT_MS,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}

async function rabbitmq(url) {
  const { default: amqp } = await import('amqplib');
  const connection = await amqp.connect(url, { timeout: TRY_TIMEOUT_MS });
  connection.on('error', () => {});
  try {
    const channel = await connection.createChannel();
    await channel.close();
  } finally {
    await connection.close().catch(() => {});
  }
}

async function nats(url) {
  const { connect } = await import('@nats-io/transport-node');
  const { jetstreamManager } = await import('@nats-io/jetstream');
  const { host, username, password } = new URL(url);
  const login = password ? { user: username, pass: password } : username ? { token: username } : {};
  const client = await connect({ servers: host, timeout: TRY_TIMEOUT_MS, reconnect: false, ...login });
  try {
    await jetstreamManager(client, { timeout: TRY_TIMEOUT_MS }); // it fails without JetStream
  } finally {
    await client.close();
  }
}

const logins = { postgres, redis, rabbitmq, nats };

let input = '';
for await (const chunk of stdin) input += chunk;
const candidates = new Map();
for (const line of input.split('\n').filter(Boolean)) {
  const [service, url] = line.split(' ');
  candidates.set(service, [...(candidates.get(service) ?? []), url]);
}

const waitMs = argv[2] === '--wait' ? Number(argv[3]) * 1000 : 0;
const startedAt = Date.now();
let saidAt = startedAt;
const outcome = new Map();

async function attempt(service) {
  const reasons = [];
  for (const url of candidates.get(service)) {
    try {
      const timeout = sleep(TRY_TIMEOUT_MS + 1_000, undefined, { ref: false }).then(() =>
        Promise.reject(new Error('does not answer')),
      );
      await Promise.race([logins[service](url), timeout]);
      return outcome.set(service, `${service} ${url}`);
    } catch (error) {
      reasons.push(error.code ?? error.errors?.[0]?.code ?? error.message ?? 'does not answer');
    }
  }
  return outcome.set(service, `! ${service} ${[...new Set(reasons)].join('; ')}`);
}

const missing = () =>
  [...candidates.keys()].filter((service) => !outcome.has(service) || outcome.get(service).startsWith('!'));

for (;;) {
  await Promise.all(missing().map(attempt));
  if (missing().length === 0 || Date.now() - startedAt > waitMs) break;
  if (Date.now() - saidAt > SAY_EVERY_MS) {
    saidAt = Date.now();
    stderr.write(`  … waiting for ${missing().join(', ')} (${Math.round((saidAt - startedAt) / 1000)} s)\n`);
  }
  await sleep(RETRY_EVERY_MS);
}
for (const line of outcome.values()) stdout.write(`${line}\n`);
exit(missing().length === 0 ? 0 : 1);
