// `npm run bench:engines`: the same alerts through each engine, in one interleaved run: how fast the processor drains a
// backlog, and how long an alert takes from its publication over HTTP to a stream. Absolute figures vary from run to
// run; the ratios to RabbitMQ can be compared.
//
//     --full                 more rounds, longer
//     --only drain,latency   one of the rows
//     --engines redis        some engines beside RabbitMQ
//
// Redis and NATS as a queue are servers of the bench's own that confirm what is on disk (`appendfsync always`,
// `sync_interval: always`), because RabbitMQ and PostgreSQL do so too. A NATS older than 2.10 cannot: the output says
// so. NATS_SERVER_PATH names another nats-server than the one in PATH.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { argv, env, exit, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { servicesUp } from '../services.mjs';
import { EngineSite } from './site.mjs';

const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '..', '..');
const option = (name) => (argv.includes(name) ? argv[argv.indexOf(name) + 1].split(',') : undefined);
const full = argv.includes('--full');
const say = (line = '') => stdout.write(`${line}\n`);

const TENANTS = 20;
const REFERENCE = 'rabbitmq';
/**
 * One line for each engine: its settings, and the ratios to RabbitMQ that it should reach (drain at least, latency at
 * most).
 */
const enginesOn = ({ RABBITMQ_URL, REDIS_URL }, queueRedisUrl, natsUrl) => [
  { name: 'rabbitmq', environment: { QUEUE: 'rabbitmq', BUS: 'redis', RABBITMQ_URL, REDIS_URL } },
  { name: 'nats', environment: { QUEUE: 'nats', BUS: 'redis', NATS_URL: natsUrl, REDIS_URL }, drain: 1, latency: 0.7 },
  { name: 'redis', environment: { QUEUE: 'redis', BUS: 'redis', REDIS_URL: queueRedisUrl }, drain: 1 },
  { name: 'postgres', environment: { QUEUE: 'postgres', BUS: 'postgres' }, drain: 0.6 },
];
const ROWS = {
  drain: {
    title: `A backlog over ${TENANTS} tenants is drained, alerts/s`,
    unit: 'drained_per_second',
    measure: (site) => site.drain(full ? 60_000 : 20_000),
  },
  latency: {
    title: 'From publication over HTTP to a stream at 500 alerts/s, p50 in ms',
    unit: 'p50_ms',
    measure: (site) => site.latency({ rate: 500, seconds: full ? 15 : 4, warmSeconds: 2 }),
  },
};

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Undefined where there is no nats-server. */
async function queueNats(folder) {
  const port = await freePort();
  for (const always of [true, false]) {
    const config = join(folder, 'nats.conf');
    const sync = always ? 'sync_interval: always' : '';
    writeFileSync(config, `listen: 127.0.0.1:${port}\njetstream { store_dir: "${join(folder, 'nats')}"\n${sync} }\n`);
    const child = spawn(env.NATS_SERVER_PATH ?? 'nats-server', ['-c', config], { stdio: 'ignore' });
    const ended = once(child, 'exit').catch(() => ['missing']);
    const [why] = (await Promise.race([ended, sleep(1_000)])) ?? [];
    if (why === 'missing') return say('  nats: nats-server is not installed');
    if (why !== undefined) continue;
    if (!always) say('  nats: this version has no sync_interval: always; it confirms before the disk does');
    return { url: `nats://127.0.0.1:${port}`, end: () => child.kill('SIGKILL') };
  }
  throw new Error('nats-server does not start');
}

async function queueRedis(folder) {
  const port = await freePort();
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
  const child = spawn('redis-server', [...args.map(String), '--dir', folder], { stdio: 'ignore' });
  await Promise.race([once(child, 'error').then(([error]) => Promise.reject(error)), sleep(500)]);
  return { url: `redis://127.0.0.1:${port}`, end: () => child.kill('SIGKILL') };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

mkdirSync(join(root, '.tocsin'), { recursive: true });
const folder = mkdtempSync(join(root, '.tocsin', 'bench-engines-'));
/** A copy of the build: a build that changes during the run would be measured half old and half new. */
const dist = join(folder, 'dist');
cpSync(join(root, 'dist'), dist, { recursive: true });
const { services, down } = servicesUp();
const redis = await queueRedis(folder);
const nats = await queueNats(folder);
const sites = [];
const tidyUp = async () => {
  for (const site of sites) await site.close().catch((error) => say(`  ${site.engine.name}: ${error.message}`));
  redis.end();
  nats?.end();
  rmSync(folder, { recursive: true, force: true });
  down();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void tidyUp().finally(() => exit(130)));

try {
  const wanted = option('--engines');
  for (const engine of enginesOn(services, redis.url, nats?.url).filter(
    ({ name }) => (!wanted || name === REFERENCE || wanted.includes(name)) && (name !== 'nats' || nats),
  )) {
    const site = new EngineSite(engine, { services, dist, folder, tenants: TENANTS });
    sites.push(site);
    await site.open();
  }
  for (const name of option('--only') ?? Object.keys(ROWS)) {
    const { title, unit, measure } = ROWS[name];
    const measured = new Map(sites.map((site) => [site, []]));
    // A B C, A B C, A B C: other load on the machine affects all engines alike
    for (let round = 0; round < (full ? 5 : 3); round += 1)
      for (const site of sites) measured.get(site).push(await measure(site));
    const of = (site) => measured.get(site).map((one) => one[unit]);
    const reference = median(of(sites[0]));
    say(`\n${title} (load ${loadavg()[0].toFixed(1)})`);
    for (const site of sites) {
      const values = of(site);
      const ratio = median(values) / reference;
      const target = site.engine[name];
      const reached = name === 'latency' ? ratio <= target : ratio >= target;
      say(
        `  ${site.engine.name.padEnd(10)} ${median(values).toFixed(1).padStart(9)}   ${ratio.toFixed(2)} x RabbitMQ` +
          `${target ? `, wanted ${target} or ${name === 'latency' ? 'less' : 'more'}: ${reached ? 'reached' : 'MISSED'}` : ''}` +
          `   (${values.map((value) => value.toFixed(1)).join(', ')})`,
      );
    }
  }
} catch (error) {
  say(error.stack);
  process.exitCode = 1;
} finally {
  await tidyUp();
}
