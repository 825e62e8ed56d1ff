// `npm run bench:stream`: the streams of Tocsin beside nchan, better-sse and Nest's @Sse(), in one interleaved run.
// `npm run bench:compare`: beside Mercure and Centrifugo as well, which it builds first.
//
//   --full                 more rounds, longer, and with the rates at which the others give up
//   --rounds <n>           as many rounds of every row
//   --only alone,joined    some rows: alone, capacity, joined, tenants, idle, storm; or one of a group: alone-100
//   --also <name>=<dist>   another build of Tocsin as one more contender: what a change is worth, in one run
//   --without nchan,...    leaves contenders out
//   --hubs                 builds Mercure and Centrifugo, which join a run once they were built
//
// Absolute figures move by up to 1.8 from run to run; only what one run says of two servers can be compared.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { argv, exit, stdout, version } from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildWithGo } from '../../scripts/test/go-programs.mjs';
import { SERVICES, servicesUp } from '../services.mjs';
import { capacityRows } from './capacity/rows.mjs';
import { compare, printComparison } from './capacity/report.mjs';
import { betterSse, betterSseBatch, nchan, nestSse, tocsin } from './contenders.mjs';
import { centrifugo, mercure } from './hubs.mjs';
import { canPin, machineTicks, maxDescriptors, startHelper, stop } from './processes.mjs';
import { printRow, summarize } from './report.mjs';
import { connecting, fanOut, storm } from './rows.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = resolve(here, '..', '..');
const option = (name) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined);
const full = argv.includes('--full');
const roundsOf = (row) => Number(option('--rounds') ?? row.rounds);
const only = option('--only')?.split(',');
const without = option('--without')?.split(',') ?? [];
const also = argv.flatMap((word, i) => (word === '--also' ? [argv[i + 1].split('=')] : []));
const say = (line = '') => stdout.write(`${line}\n`);

/** The rows of the table. `of` names the contenders; with `fresh` each measurement starts a new process. */
const connections = Math.min(10_000, maxDescriptors() - 500);
const idle = { connections, tenants: 100, users: Math.min(2_000, connections) };
const ROWS = [
  {
    name: 'alone',
    title: 'Fan-out to 1,000 subscribers of one tenant, 40 alerts/s: each is written alone',
    of: ['tocsin', 'nchan', 'Mercure', 'Centrifugo', 'better-sse', 'better-sse (batch)', 'Nest @Sse()'],
    rounds: 3,
    measure: (lab, contender) => fanOut(lab, contender, { subscribers: 1_000, rate: 40, seconds: full ? 10 : 3 }),
  },
  {
    name: 'alone-100',
    group: 'alone',
    title: 'The same at 100 alerts/s',
    of: ['tocsin', 'nchan', 'Mercure', 'Centrifugo', ...(full ? ['better-sse (batch)'] : [])],
    rounds: 3,
    measure: (lab, contender) => fanOut(lab, contender, { subscribers: 1_000, rate: 100, seconds: full ? 10 : 3 }),
  },
  {
    name: 'alone-300',
    group: 'alone',
    title: 'The same at 300 alerts/s: what a server does that has no time to spare',
    of: ['tocsin', 'nchan', 'Mercure', 'Centrifugo', 'better-sse', 'better-sse (batch)', 'Nest @Sse()'],
    rounds: 3,
    measure: (lab, contender) => fanOut(lab, contender, { subscribers: 1_000, rate: 300, seconds: full ? 10 : 3 }),
  },
  ...capacityRows({ full, mostStreams: connections }),
  {
    name: 'joined-1000',
    group: 'joined',
    title: 'Fan-out to 1,000 subscribers, 1,000 alerts/s: what comes together leaves together',
    of: full ? ['tocsin', 'nchan'] : ['tocsin'],
    rounds: 3,
    measure: (lab, contender) =>
      fanOut(lab, contender, {
        subscribers: 1_000,
        rate: contender.name === 'nchan' ? 300 : 1_000,
        seconds: full ? 10 : 4,
      }),
  },
  {
    name: 'joined-3000',
    group: 'joined',
    title: 'The same at 3,000 alerts/s',
    of: ['tocsin'],
    rounds: full ? 3 : 1,
    measure: (lab, contender) => fanOut(lab, contender, { subscribers: 1_000, rate: 3_000, seconds: full ? 10 : 3 }),
  },
  {
    name: 'tenants',
    title: '1,000 tenants x 5 subscribers, 5,000 alerts/s',
    of: ['tocsin', 'nchan'],
    rounds: 3,
    measure: (lab, contender) =>
      fanOut(lab, contender, { tenants: 1_000, subscribers: 5_000, rate: 5_000, seconds: full ? 10 : 4 }),
  },
  {
    name: 'idle',
    title: `${connections.toLocaleString('en')} clients connect and stay idle`,
    of: ['tocsin', 'nchan', 'Mercure', 'Centrifugo', 'better-sse', 'Nest @Sse()'],
    rounds: full ? 3 : 1,
    fresh: true,
    measure: (lab, contender) => connecting(lab, contender, idle),
  },
  {
    name: 'idle-known',
    group: 'idle',
    title: 'The same with tokens that the server has seen before',
    of: ['tocsin', 'nchan'],
    rounds: full ? 3 : 1,
    fresh: true,
    measure: (lab, contender) => connecting(lab, contender, { ...idle, oneToken: true }),
  },
  {
    name: 'storm',
    title: `${connections.toLocaleString('en')} clients are cut at once and come back at once, each with its cursor and 10 entries behind`,
    of: ['tocsin'],
    rounds: full ? 3 : 1,
    fresh: true,
    measure: (lab, contender) => storm(lab, contender, { ...idle, missed: 10 }),
  },
];

/** Installs nchan where that needs no confirmation: on Debian, as root, as `services.sh install` does it. */
function installNchan(folder) {
  if (without.includes('nchan') || !nchan({ folder }).missing || process.getuid() !== 0) return;
  spawnSync(SERVICES, ['install', 'nginx-light', 'libnginx-mod-nchan'], { stdio: 'ignore', timeout: 300_000 });
}

/** The load generators of one row, and the contenders that it has started. */
class Lab {
  settleMs = 3_000;
  gen = startHelper(join(here, 'subscribers.mjs'));
  feeders = new Map();
  running = new Set();

  async start(contender) {
    this.running.add(contender);
    await contender.start();
  }

  async feederOf(contender) {
    let feeder = this.feeders.get(contender);
    if (!feeder) {
      feeder = startHelper(join(here, 'feeder.mjs'), { BENCH_BUILD: contender.dist ?? dist });
      this.feeders.set(contender, feeder);
      await feeder.ask({ act: 'open', ...contender.feed });
    }
    return feeder;
  }

  async stop(contender) {
    const feeder = this.feeders.get(contender);
    this.feeders.delete(contender);
    await feeder?.ask({ act: 'close' }).catch(() => undefined);
    await stop(feeder?.child);
    await contender.stop();
    this.running.delete(contender);
  }

  async close() {
    for (const contender of [...this.running])
      await this.stop(contender).catch((error) => say(`  ${contender.name}: ${error.message}`));
    await stop(this.gen.child);
  }
}

/**
 * A B C, A B C, A B C: other load on the machine affects all contenders alike. Rows of one kind are sizes that are
 * compared with each other, so these take turns as well. `turns`: each row with its contenders.
 */
async function measure(turns, lab) {
  const count = roundsOf(turns[0].row);
  for (const { row, contenders } of turns)
    if (!row.fresh) for (const contender of contenders) await lab.start(contender);
  for (let round = 1; round <= count; round += 1)
    for (const { row, contenders, rounds } of turns)
      for (const contender of contenders) {
        if (row.fresh) await lab.start(contender);
        try {
          rounds.get(contender.name).push(await row.measure(lab, contender));
        } catch (error) {
          await lab.gen.ask({ act: 'close' }).catch(() => undefined);
          rounds.get(contender.name).push({ failed: error.message });
          say(`  ✗ ${contender.name}: ${error.message}`);
        }
        if (row.fresh) await lab.stop(contender);
        stdout.write(`  … ${row.name}: round ${round} of ${count}, ${contender.name}\n`);
      }
  for (const { row, contenders } of turns)
    if (!row.fresh) for (const contender of contenders) await lab.stop(contender);
}

/** Rows of one kind together, every other row by itself. */
function groupsOf(rows) {
  const groups = [];
  for (const row of rows) {
    const last = groups.at(-1);
    if (row.kind && last?.[0].kind === row.kind) last.push(row);
    else groups.push([row]);
  }
  return groups;
}

mkdirSync(join(root, '.tocsin'), { recursive: true });
const folder = mkdtempSync(join(root, '.tocsin', 'bench-'));
/** A copy of the build: a build that changes during the run would be measured half old and half new. */
const dist = join(folder, 'dist');
cpSync(join(root, 'dist'), dist, { recursive: true });
const { services, down } = servicesUp();
let lab;
const tidyUp = async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
  down();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void tidyUp().finally(() => exit(130)));
process.once('uncaughtException', (error) => {
  say(error.stack);
  void tidyUp().finally(() => exit(1));
});

try {
  installNchan(folder);
  if (argv.includes('--hubs'))
    for (const name of ['mercure', 'centrifugo']) await buildWithGo(name).then((why) => why && say(`  - ${why}`));
  const makeAll = ({ counted = false } = {}) => [
    tocsin({ dist, services, folder, counted }),
    ...also.map(([name, path]) => tocsin({ name, dist: resolve(path), services, folder, counted })),
    nchan({ folder }),
    mercure({ folder }),
    centrifugo({ folder, services }),
    betterSse({ folder }),
    betterSseBatch({ folder }),
    nestSse({ folder }),
  ];
  for (const { name, missing } of makeAll()) if (missing) say(`  - ${name} is left out: ${missing}`);
  if (!canPin) say('  - nothing is pinned to a core: taskset or a second core is missing');

  const startedAt = new Date();
  const before = machineTicks();
  const results = [];
  const selected = ROWS.filter(({ group, name }) => !only || only.includes(group) || only.includes(name));
  for (const group of groupsOf(selected)) {
    lab = new Lab();
    const turns = group.map((row) => {
      const contenders = makeAll({ counted: row.name === 'storm' }).filter(
        ({ name, missing, dist }) =>
          !missing && !without.includes(name) && (row.of.includes(name) || (dist && row.of.includes('tocsin'))),
      );
      return { row, contenders, rounds: new Map(contenders.map(({ name }) => [name, []])) };
    });
    try {
      await measure(turns, lab);
      for (const { row, contenders, rounds } of turns) {
        const result = summarize(row, contenders, rounds);
        results.push(result);
        printRow(result, say);
      }
    } finally {
      await lab.close();
    }
  }
  const capacity = compare(selected, results);
  printComparison(capacity, say);
  const after = machineTicks();
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: version,
    pinned: canPin,
  };
  const stolen = (after.steal - before.steal) / (after.total - before.total);
  const output = {
    at: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt) / 1000),
    full,
    machine,
    stolen,
    rows: results,
    capacity,
  };
  const file = join(root, 'artifacts', 'bench', 'stream.json');
  mkdirSync(join(root, 'artifacts', 'bench'), { recursive: true });
  writeFileSync(file, `${JSON.stringify(output, null, 2)}\n`);
  say(`\n${output.seconds} s; ${file}`);
} finally {
  await tidyUp();
}
exit();
