// `npm run bench:log`: what a log of many entries costs, as the plain table of the migrations and as a prototype that
// is partitioned by time: a batch, a replay, a look-up, a page of alerts, and the deletion of one day of 90.
//
//   --rows <n>       entries; default 10,000,000, which take 5 GB of disk for each shape, one after the other
//   --shape <name>   `plain` or `partitioned` alone
//   --each <days>    days of one partition; default 1
//   --keep           keeps the databases, and says their names
//   --json <file>    all figures
//
// Makes a database of its own on the server that DATABASE_URL names, or that services.sh starts, and drops it at the
// end. WAL is that of the whole server, so nothing else may write there.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { argv, env, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { servicesUp } from '../services.mjs';
import { load } from './load.mjs';
import { append, lookUp, pages, replay } from './questions.mjs';
import { backlog, detach, freeze, retain } from './retention.mjs';
import { SHAPES } from './shapes.mjs';

const require = createRequire(import.meta.url);
const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '..', '..');
const postgres = require(join(root, 'dist', 'libs', 'postgres', 'src', 'index.js'));
const { Client } = require('pg');
const option = (name, otherwise) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : otherwise);
const rows = Number(option('--rows', 10_000_000));
const started = performance.now();
const say = (line = '') =>
  stdout.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(6)} s  ${line}\n`);

const rounded = (value) => (typeof value === 'number' ? Number(value.toPrecision(3)) : value);
function tell(what, figures) {
  if (Object.values(figures).some((value) => typeof value === 'object'))
    for (const [of, some] of Object.entries(figures)) tell(`${what}: ${of}`, some);
  else
    say(
      `${what.padEnd(48)}${Object.entries(figures)
        .map(([name, value]) => `${name} ${rounded(value)}`)
        .join(', ')}`,
    );
}

async function connect(url) {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}
async function atServer(server, sql) {
  const client = await connect(server);
  await client.query(sql).finally(() => client.end());
}

async function measure(shape, server) {
  const name = `tocsin_bench_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const connection = { url: url.toString() };
  const pools = [];
  let owner;
  const pool = (role) => {
    const database = new postgres.Database({
      connection,
      role,
      applicationName: 'tocsin bench',
      statementTimeoutMs: 600_000,
    });
    pools.push(database);
    return database;
  };
  await atServer(server, `create database ${name} template template0`);
  try {
    await postgres.migrate({ connection });
    owner = await connect(url.toString());
    await SHAPES[shape](owner, () => postgres.migrate({ connection }), Number(option('--each', 1)));
    const told = { size: await load(() => connect(url.toString()), rows, say) };
    const [processor, gateway] = [pool('tocsin_processor'), pool('tocsin_gateway')];
    const context = {
      owner,
      rows,
      gateway,
      log: new postgres.PostgresEventLog(processor),
      reader: new postgres.PostgresEventLog(gateway),
      queries: new postgres.PostgresAlertQueries(gateway),
      retention: new postgres.PostgresLogRetention(processor),
    };
    const leaving = shape === 'plain' ? { retain, backlog, freeze } : { detach, retain };
    const measures = { append, replay, 'look-up': lookUp, pages, ...leaving };
    for (const [what, work] of Object.entries(measures)) tell(`${shape}: ${what}`, (told[what] = await work(context)));
    return told;
  } finally {
    await owner?.end();
    for (const database of pools) await database.close();
    if (argv.includes('--keep')) say(`kept as ${name}`);
    else await atServer(server, `drop database if exists ${name} with (force)`);
  }
}

const { services, down } = env.DATABASE_URL ? { services: env, down: () => undefined } : servicesUp();
try {
  const all = {};
  for (const shape of option('--shape') ? [option('--shape')] : Object.keys(SHAPES)) {
    say(`${shape}: ${rows.toLocaleString('en')} entries, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}`);
    all[shape] = await measure(shape, services.DATABASE_URL);
  }
  if (option('--json')) writeFileSync(option('--json'), JSON.stringify({ rows, all }, undefined, 2));
} finally {
  down();
}
