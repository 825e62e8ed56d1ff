// `npm run bench:events`: the event broker beside EventEmitter2 (memory, 1,000 patterns) and beside pg-boss
// (PostgreSQL).
//
//   --rounds <n>   how often each is measured, in turn with the other; default 5
//   --events <n>   events of a round over PostgreSQL; default 5,000
//   --json <file>  the figures
//
// Packs the library, as its users have it. Makes a database of its own on the server that DATABASE_URL names, or that
// services.sh starts, and drops it in the end. Prints the median of the rounds.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { argv, execPath, stdout, version } from 'node:process';
import { fileURLToPath } from 'node:url';
import { servicesUp } from '../services.mjs';
import { dispatchRows } from './dispatch.mjs';
import { overPostgres } from './over-postgres.mjs';

const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '..', '..');
const option = (name, otherwise) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : otherwise);
const rounds = Number(option('--rounds', 5));
const events = Number(option('--events', 5_000));
const say = (line = '') => stdout.write(`${line}\n`);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const shown = (perSecond) => Math.round(perSecond).toLocaleString('en').padStart(12);

mkdirSync(join(root, '.tocsin'), { recursive: true });
const folder = mkdtempSync(join(root, '.tocsin', 'bench-events-'));
try {
  const tarball = execFileSync(execPath, [join(root, 'scripts', 'pack-event-broker.mjs'), folder], {
    encoding: 'utf8',
  });
  execFileSync('tar', ['-xzf', tarball.trim(), '-C', folder]);
  const require = createRequire(join(folder, 'package', 'main.js'));
  const library = { ...require('./lib/index.js'), ...require('./lib/database.js') };
  say(`Node ${version}, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0].toFixed(1)}`);

  const figures = {};
  say('\nmemory, per second, 1,000 patterns');
  const rows = dispatchRows(library);
  for (let round = 0; round < rounds; round += 1)
    for (const [name, measure] of Object.entries(rows)) (figures[name] ??= []).push(await measure());
  for (const name of Object.keys(rows)) say(`${shown(median(figures[name]))}  ${name}`);

  const { services, down } = servicesUp();
  const over = await overPostgres(
    library,
    services.DATABASE_URL,
    `bench_events_${randomBytes(4).toString('hex')}`,
    events,
  );
  say(`\nPostgreSQL, per second, ${events} events published by 100 at a time, each heard by one subscriber`);
  try {
    for (let round = 0; round < rounds; round += 1)
      for (const [name, measure] of Object.entries(over.rows)) (figures[name] ??= []).push(await measure());
  } finally {
    await over.drop();
    down();
  }
  for (const name of Object.keys(over.rows)) say(`${shown(median(figures[name]))}  ${name}`);
  const json = option('--json', undefined);
  if (json) writeFileSync(json, JSON.stringify(figures, null, 2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
