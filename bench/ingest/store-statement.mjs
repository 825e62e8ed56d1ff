// `node bench/ingest/store-statement.mjs`: the storing statement alone, one connection, batches over 100 tenants.
//
//     --also <name>=<dist>   another build of Tocsin beside this one, in turns: shows the effect of a change
//     --seconds <n>          how long each build is measured in each round; default 3
//     --rounds <n>           default 5
//     --told <n>             how many recipients each message names; default 0
//     --batch <n>            messages of a batch; default 500. A quiet queue hands over one or two
//
// Needs DATABASE_URL of a user who may create databases, and a quiet machine. Absolute figures vary by up to 1.8 from
// run to run; compare within one run. Where the server is on this machine (Linux), its CPU time for a batch is printed
// too: it is more reliable than the clock when other programs run. So is the WAL, which `explain` counts for the
// statement alone; without a checkpoint at that moment it has no images of whole pages.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { argv, env, exit, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { plannedAlert } from '../planned-alert.mjs';

const TENANTS = 100;
/** How many open alerts of a tenant repeat. */
const KEYS = 20;

const require = createRequire(import.meta.url);
const option = (name, otherwise) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : otherwise);
const seconds = Number(option('--seconds', 3));
const rounds = Number(option('--rounds', 5));
const BATCH = Number(option('--batch', 500));
const told = Number(option('--told', 0));
const also = argv.flatMap((word, i) => (word === '--also' ? [argv[i + 1].split('=')] : []));
const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '..', '..');

/** The share of the messages that repeat an alert by their `dedup_key`. */
const MIXES = { 'alerts of their own': 0, '30 % repeats': 0.3, 'repeats alone': 1 };

if (!env.DATABASE_URL) {
  stdout.write('DATABASE_URL is not set: eval "$(infrastructure/local/services.sh env)"\n');
  exit(1);
}

async function open([name, dist]) {
  const postgres = require(join(resolve(dist), 'libs', 'postgres', 'src', 'index.js'));
  const database = `tocsin_bench_${randomBytes(6).toString('hex')}`;
  const address = new URL(env.DATABASE_URL);
  await asOwner(`create database ${database} template template0`);
  address.pathname = `/${database}`;
  const connection = { url: address.toString() };
  await postgres.migrate({ connection });
  const pool = new postgres.Database({
    connection,
    role: 'tocsin_processor',
    poolSize: 1,
    applicationName: 'tocsin bench',
  });
  const [{ pid }] = await pool.call('select pg_backend_pid() as pid');
  return {
    name,
    pid,
    log: new postgres.PostgresEventLog(pool),
    async walOf(batch) {
      let bytes;
      const explaining = {
        async call(sql, parameters) {
          const [{ 'QUERY PLAN': plan }] = await pool.call(`explain (analyze, wal, format json) ${sql}`, parameters);
          bytes = plan[0].Plan['WAL Bytes'];
          return [];
        },
      };
      await new postgres.PostgresEventLog(explaining).append(batch);
      return bytes / batch.length;
    },
    // the recipients that the planner uses for a message that names none
    toNobody: postgres.PostgresDeliveryQueue ? [{ channel: null, recipient: null }] : [],
    measured: Object.fromEntries(Object.keys(MIXES).map((mix) => [mix, []])),
    async close() {
      await pool.close();
      await asOwner(`drop database ${database} with (force)`);
    },
  };
}

async function asOwner(sql) {
  const { Client } = require('pg');
  const client = new Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

let next = 0;

/** A batch as `plan` makes one: every message has 200 to 300 bytes, tenants in turn, fresh ids. */
function aBatch(share, toNobody = []) {
  return Array.from({ length: BATCH }, () => {
    const deliveries =
      told > 0
        ? Array.from({ length: told }, (_, at) => ({ channel: 'email', recipient: `${at}@example.com` }))
        : toNobody;
    return plannedAlert(`tenant-${next++ % TENANTS}`, {
      deliveries,
      ...(Math.random() < share && { dedup_key: `shelf-${Math.floor(Math.random() * KEYS)}` }),
    });
  });
}

/** The CPU time of the server's process, in milliseconds; undefined when it is not on this machine. */
function cpuOf(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}

/**
 * Milliseconds per batch: by the clock, of the server's CPU, and of this process's CPU. Making the batches is not
 * included: a processor makes them while another statement runs.
 */
async function measure({ log, pid, toNobody, walOf }, share) {
  const spent = { clock: 0, server: 0, client: 0 };
  let batches = 0;
  for (; spent.clock < seconds * 1000; batches += 1) {
    const batch = aBatch(share, toNobody);
    const since = { clock: performance.now(), server: cpuOf(pid), client: process.cpuUsage() };
    await log.append(batch);
    spent.clock += performance.now() - since.clock;
    spent.server += cpuOf(pid) - since.server;
    const { user, system } = process.cpuUsage(since.client);
    spent.client += (user + system) / 1000;
  }
  const costs = Object.fromEntries(Object.entries(spent).map(([what, ms]) => [what, ms / batches]));
  return { ...costs, wal: await walOf(aBatch(share, toNobody)) };
}

const row = (mix, build, ...figures) =>
  stdout.write(`${mix.padEnd(22)}${build.padEnd(16)}${figures.map((figure) => figure.padStart(12)).join('')}\n`);
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const builds = [];
try {
  for (const build of [['this build', join(root, 'dist')], ...also]) builds.push(await open(build));
  for (const build of builds) for (let batch = 0; batch < 20; batch += 1) await build.log.append(aBatch(0.3));
  for (let round = 0; round < rounds; round += 1) {
    for (const [mix, share] of Object.entries(MIXES))
      for (const build of builds) build.measured[mix].push(await measure(build, share));
  }
  row('mix', 'build', 'alerts/s', 'a batch', 'server CPU', 'client CPU', 'WAL an alert');
  for (const mix of Object.keys(MIXES)) {
    for (const { name, measured } of builds) {
      const [clock, server, client, wal] = ['clock', 'server', 'client', 'wal'].map((what) =>
        median(measured[mix].map((round) => round[what])),
      );
      row(
        mix,
        name,
        Math.round((BATCH / clock) * 1000).toLocaleString('en'),
        ...[clock, server, client].map((ms) => (Number.isNaN(ms) ? '-' : `${ms.toFixed(2)} ms`)),
        `${Math.round(wal)} B`,
      );
    }
  }
} finally {
  for (const build of builds) await build.close();
}
