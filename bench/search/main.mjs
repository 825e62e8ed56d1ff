// `npm run bench:search`: every query of docs/search.md over many alerts of many tenants, asked through the adapter, as
// the gateway's role, under row-level security.
//
//   --alerts <n>     default 10,000,000: about 12 GB of disk, two minutes to make
//   --tenants <n>    default 1,000, of which a tenth has ten times as many alerts as each of the others
//   --huge <n>       alerts of one further tenant; default 1,000,000
//   --runs <n>       how often each query is measured for each kind of user; default 300
//   --only <text>    only the queries whose name contains it
//   --plans          prints each query's plan as the gateway's role gets it
//   --json <file>    the figures and the plans
//
// Makes a database of its own on the server that DATABASE_URL names, or that services.sh starts, and drops it in the
// end.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { argv, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { servicesUp } from '../services.mjs';
import { load, shareOf } from './load.mjs';
import { QUERIES } from './queries.mjs';

const require = createRequire(import.meta.url);
const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '..', '..');
const postgres = require(join(root, 'dist', 'libs', 'postgres', 'src', 'index.js'));
const { Client } = require('pg');
const option = (name, otherwise) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : otherwise);
const alerts = Number(option('--alerts', 10_000_000));
const tenants = Number(option('--tenants', 1_000));
const huge = Number(option('--huge', 1_000_000));
const runs = Number(option('--runs', 300));
const only = option('--only', '');
const asked = Object.entries(QUERIES).filter(([what]) => what.includes(only));
const TARGET_MS = 50;
const say = (line = '') => stdout.write(`${line}\n`);

const { heavy, slots } = shareOf(tenants);
const below = (count) => Math.floor(Math.random() * count);
const heavyTenant = () => `tenant-${below(heavy)}`;
const lightTenant = () => `tenant-${heavy + below(tenants - heavy)}`;
/**
 * The users who ask: of the largest tenant, of any other tenant, of ten tenants with one large among them, and of a
 * tenant that has a tenth of all alerts, alone and among others.
 */
const USERS = {
  'a large tenant': () => [heavyTenant()],
  'a tenant': () => [lightTenant()],
  'ten tenants': () => [...new Set([heavyTenant(), ...Array.from({ length: 9 }, lightTenant)])],
  'a huge tenant': () => ['huge-0'],
  'it and 31 others': () => [...new Set(['huge-0', heavyTenant(), ...Array.from({ length: 30 }, lightTenant)])],
};

/** Records the adapter's own statements, so that they can be explained. */
function listening(database, heard) {
  return {
    as: (of, work) =>
      database.as(of, (manager) =>
        work({ query: (sql, parameters) => (heard.push({ of, sql, parameters }), manager.query(sql, parameters)) }),
      ),
  };
}

/** A query may prepare something first, and then marks with `measured` the part that counts. */
async function measure(query, user, context) {
  const times = [];
  for (let run = 0; run < runs; run += 1) {
    const of = user();
    let since = performance.now();
    let until;
    const measured = async (work) => {
      since = performance.now();
      await work();
      until = performance.now();
    };
    await query(context.queries, of, { ...context, measured });
    times.push((until ?? performance.now()) - since);
  }
  times.sort((a, b) => a - b);
  return {
    p50: times[Math.floor(runs * 0.5)],
    p99: times[Math.min(runs - 1, Math.ceil(runs * 0.99) - 1)],
    max: times.at(-1),
  };
}

async function explain(query, user, context) {
  const heard = [];
  await query(new postgres.PostgresAlertQueries(listening(context.database, heard)), user(), {
    ...context,
    measured: (work) => ((heard.length = 0), work()),
  });
  const plans = [];
  for (const { of, sql, parameters } of heard) {
    const rows = await context.database.as(of, (manager) =>
      manager.query(`explain (analyze, buffers) ${sql}`, parameters),
    );
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
  }
  return plans;
}

const { services, down } = servicesUp();
const name = `tocsin_bench_${randomBytes(6).toString('hex')}`;
const url = new URL(services.DATABASE_URL);
url.pathname = `/${name}`;
const connect = async (address = url.toString()) => {
  const client = new Client({ connectionString: address });
  await client.connect();
  return client;
};
async function asOwner(sql) {
  const client = await connect(services.DATABASE_URL);
  await client.query(sql).finally(() => client.end());
}

let database;
try {
  await asOwner(`create database ${name} template template0`);
  await postgres.migrate({ connection: { url: url.toString() } });
  say(
    `${alerts.toLocaleString('en')} alerts of ${tenants.toLocaleString('en')} tenants, and ${huge.toLocaleString('en')} of one more`,
  );
  const loaded = await load(connect, { alerts, tenants, huge });

  database = new postgres.Database({
    connection: { url: url.toString() },
    role: 'tocsin_gateway',
    applicationName: 'tocsin bench',
  });
  const numbers = (tenant) =>
    tenant === 'huge-0' ? huge : Math.floor(alerts / slots) * (Number(tenant.slice('tenant-'.length)) < heavy ? 10 : 1);
  const context = {
    database,
    queries: new postgres.PostgresAlertQueries(database),
    log: new postgres.PostgresEventLog(database),
    numbers,
  };
  const [machine] = await database.call(
    `select current_setting('server_version') as postgres, current_setting('shared_buffers') as shared_buffers`,
  );
  say(
    `\nMilliseconds of one question, begin and commit included, as tocsin_gateway; ${runs} of each. PostgreSQL ${machine.postgres}, shared_buffers ${machine.shared_buffers}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB.\n`,
  );
  say(
    `${' '.repeat(32)}${Object.keys(USERS)
      .map((user) => user.padStart(20))
      .join('')}`,
  );
  say(
    `${' '.repeat(32)}${Object.keys(USERS)
      .map(() => '  p50     p99'.padStart(20))
      .join('')}`,
  );
  const figures = {};
  const plans = {};
  for (const [what, query] of asked) {
    figures[what] = {};
    for (const [user, draw] of Object.entries(USERS)) figures[what][user] = await measure(query, draw, context);
    say(
      what.padEnd(32) +
        Object.values(figures[what])
          .map(({ p50, p99 }) => `${p50.toFixed(1)}${p99.toFixed(1).padStart(8)}`.padStart(20))
          .join(''),
    );
  }
  for (const [what, query] of asked) plans[what] = await explain(query, USERS['a huge tenant'], context);
  if (argv.includes('--plans'))
    for (const [what, texts] of Object.entries(plans))
      for (const text of texts) say(`\n-- ${what}, a huge tenant\n${text}`);
  const late = Object.entries(figures).flatMap(([what, byUser]) =>
    Object.entries(byUser)
      .filter(([, { p99 }]) => p99 >= TARGET_MS)
      .map(([user]) => `${what} (${user})`),
  );
  say(
    late.length > 0 ? `\nBeyond ${TARGET_MS} ms at p99: ${late.join(', ')}` : `\nEvery p99 is below ${TARGET_MS} ms.`,
  );
  if (option('--json'))
    writeFileSync(
      option('--json'),
      JSON.stringify({ alerts, tenants, runs, loaded, machine, figures, plans }, undefined, 2),
    );
} finally {
  await database?.close();
  await asOwner(`drop database if exists ${name} with (force)`);
  down();
}
