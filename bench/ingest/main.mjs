// `npm run bench:ingest`: measures an alert's way from a confirmed publish into the event log and to the subscribers,
// beside the usual way of doing the same work and, where latency counts, beside the least that the services take for it
// (the floor), in one interleaved run.
//
//     --full                 more rounds, longer
//     --rounds <n>           as many rounds; more of them make medians that a busy machine moves less
//     --only drain,live      some rows: drain, live, latency, lone, busy, busy-1000
//     --also <name>=<dist>   another build of Tocsin as one more contender: shows the effect of a change, in one run
//     --traced <share>       this build as one more contender, with this share of the traces recorded: shows their cost
//     --builds               builds of Tocsin alone, without the usual way and the floor
//     --profile              profiles every processor, and prints what took its time; the figures are then no measure
//     --keep                 measures nothing: keeps this build for --guard
//     --guard                beside the kept build: fails when this one is more than 10 % worse, round by round
//
// PostgreSQL, Redis and RabbitMQ share the machine with the contenders. Absolute figures vary from run to run, but two
// contenders of one run can be compared.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { argv, exit, stdout, version } from 'node:process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { servicesUp } from '../services.mjs';
import { canPin, machineTicks } from '../stream/processes.mjs';
import { floor, FloorSite } from './floor-site.mjs';
import { printProfile } from './profiles.mjs';
import { printRatios, printRow, ratiosOf, summarize, WORSE_BY } from './report.mjs';
import { besideBusy, drain, latency, live } from './rows.mjs';
import { servicePids } from './service-pids.mjs';
import { oneByOne, Site, tocsin } from './sites.mjs';
import { SpanSink } from './span-sink.mjs';

const require = createRequire(import.meta.url);
const root = resolve(fileURLToPath(new URL('.', import.meta.url)), '..', '..');
const option = (name) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined);
const full = argv.includes('--full');
const rounds = option('--rounds') ?? (full ? 5 : 3);
const only = option('--only')?.split(',');
const also = argv.flatMap((word, i) => (word === '--also' ? [argv[i + 1].split('=')] : []));
const traced = option('--traced');
const kept = join(root, '.tocsin', 'kept-build', 'dist');
const guards = argv.includes('--guard');
if (guards) also.push(['kept', kept]);
const say = (line = '') => stdout.write(`${line}\n`);

const TENANTS = 100;
const SUBSCRIBERS_OF_EACH = 2;
/** Not measured where latency does not count: it would need another load. */
const FLOOR = 'floor';
const ONE = 'one by one, 1';
const ROWS = [
  {
    name: 'drain',
    title: `A backlog over ${TENANTS} tenants is drained: validated, numbered, stored, planned, published, acknowledged`,
    // as much work for each contender as takes the same time: a few seconds
    measure: (site, pids) => drain(site, pids, { count: site.contender.backlog * (full ? 3 : 1) }),
    leavesOut: [FLOOR],
  },
  {
    name: 'live',
    title: `From a confirmed publish to every subscriber (${TENANTS} tenants x ${SUBSCRIBERS_OF_EACH}), all services and the generator on two cores`,
    measure: (site, pids) => live(site, pids, { window: site.contender.window, seconds: full ? 20 : 5 }),
    leavesOut: [FLOOR],
  },
  {
    name: 'latency',
    title: 'From publish to subscriber, at 1,000 alerts/s',
    measure: (site, pids) => latency(site, pids, { rate: 1_000, seconds: full ? 20 : 5 }),
    // one at a time does not reach the rate, and its latency would be that of a growing queue
    leavesOut: [ONE],
  },
  {
    name: 'lone',
    title: 'At 500 alerts/s, where an alert is mostly alone in its batch',
    measure: (site, pids) => latency(site, pids, { rate: 500, seconds: full ? 20 : 5 }),
    leavesOut: [ONE],
  },
  {
    name: 'busy',
    title: 'The same beside a process that would take a whole core',
    measure: (site, pids) => besideBusy(() => latency(site, pids, { rate: 500, seconds: full ? 20 : 5 })),
    leavesOut: [ONE],
  },
  {
    name: 'busy-1000',
    title: 'At 1,000 alerts/s beside such a process',
    measure: (site, pids) => besideBusy(() => latency(site, pids, { rate: 1_000, seconds: full ? 20 : 5 })),
    leavesOut: [ONE],
  },
];

/** The cost of a commit depends on whether the server waits for the disk, so that is printed beside every figure. */
async function storageOf({ DATABASE_URL }) {
  const { Client } = require('pg');
  const client = new Client({ connectionString: DATABASE_URL });
  await client.connect();
  const { rows } = await client
    .query(
      `select name, setting from pg_settings where name in ('server_version', 'fsync', 'synchronous_commit', 'shared_buffers')`,
    )
    .finally(() => client.end());
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

if (argv.includes('--keep')) {
  rmSync(kept, { recursive: true, force: true });
  cpSync(join(root, 'dist'), kept, { recursive: true });
  say(`${kept} is the build that --guard compares with`);
  exit();
}
if (guards && !existsSync(kept)) {
  say('there is no kept build: npm run bench:guard -- --keep');
  exit(1);
}
const profilesIn = argv.includes('--profile') ? join(root, 'artifacts', 'bench', 'profiles') : undefined;
if (profilesIn) mkdirSync(profilesIn, { recursive: true });
mkdirSync(join(root, '.tocsin'), { recursive: true });
const folder = mkdtempSync(join(root, '.tocsin', 'bench-'));
/** A copy of the build: a build that changes during the run would be measured half old and half new. */
const dist = join(folder, 'dist');
cpSync(join(root, 'dist'), dist, { recursive: true });
const { services, down } = servicesUp();
const spans = traced === undefined ? undefined : await SpanSink.open();
const sites = new Map();
let stopping = false;
const tidyUp = async () => {
  stopping = true;
  for (const site of sites.values())
    await site.close().catch((error) => say(`  ${site.contender.name}: ${error.message}`));
  sites.clear();
  await spans?.close();
  rmSync(folder, { recursive: true, force: true });
  down();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void tidyUp().finally(() => exit(130)));
process.once('uncaughtException', (error) => {
  say(error.stack);
  void tidyUp().finally(() => exit(1));
});

try {
  if (!canPin) say('  - nothing is held to two cores: taskset or a second core is missing');
  const pids = await servicePids(services);
  const rows = ROWS.filter(({ name }) => !only || only.includes(name));
  const takes = (row, { name }) => !row.leavesOut.includes(name);
  const contenders = [
    tocsin({ dist }),
    ...also.map(([name, path]) => tocsin({ name, dist: resolve(path) })),
    ...(spans ? [tocsin({ name: `traced ${traced}`, dist, env: spans.environment(traced) })] : []),
    ...(guards || argv.includes('--builds')
      ? []
      : [oneByOne({ prefetch: 50, dist }), oneByOne({ prefetch: 1, dist }), floor({ dist })]),
  ].filter((contender) => rows.some((row) => takes(row, contender)));
  for (const contender of contenders) {
    const Kind = contender.isFloor ? FloorSite : Site;
    const site = new Kind(contender, {
      services,
      folder,
      profilesIn,
      tenants: TENANTS,
      subscribersOfEach: SUBSCRIBERS_OF_EACH,
    });
    sites.set(contender, site);
    await site.open();
  }

  const compared = contenders.filter(({ usual, isFloor }) => !usual && !isFloor).slice(1);
  const startedAt = new Date();
  const before = machineTicks();
  const results = [];
  for (const row of rows) {
    const taking = contenders.filter((contender) => takes(row, contender));
    const measuredOf = new Map(taking.map(({ name }) => [name, []]));
    // A B C, A B C, A B C: other load on the machine affects all contenders alike
    for (let round = 1; round <= rounds; round += 1) {
      for (const contender of taking) {
        if (stopping) break;
        const measured = await row.measure(sites.get(contender), pids).catch((error) => ({ failed: error.message }));
        if (measured.failed) {
          say(`  ✗ ${contender.name}: ${measured.failed}`);
          // a comparison with a contender that has failed is invalid, but its figures would look valid
          process.exitCode = 1;
        }
        measuredOf.get(contender.name).push(measured);
        stdout.write(`  … ${row.name}: round ${round} of ${rounds}, ${contender.name}\n`);
      }
    }
    const result = summarize(row, taking, measuredOf);
    results.push(result);
    printRow(result, say);
    result.ratios = Object.fromEntries(compared.map(({ name }) => [name, ratiosOf(row.name, measuredOf, name)]));
    printRatios(result, say);
    for (const contender of taking) printProfile(contender.name, sites.get(contender).profiles.splice(0), say);
    if (guards && Object.values(result.ratios.kept).some(({ worse }) => worse > WORSE_BY)) process.exitCode = 1;
  }
  if (spans) say(`  the traced build sent ${spans.received} batches of spans`);
  if (spans?.received === 0) process.exitCode = 1;
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
    postgres: await storageOf(services),
    stolen,
    rows: results,
  };
  const file = join(root, 'artifacts', 'bench', 'ingest.json');
  mkdirSync(join(root, 'artifacts', 'bench'), { recursive: true });
  writeFileSync(file, `${JSON.stringify(output, null, 2)}\n`);
  say(`\n${output.seconds} s; ${file}`);
} finally {
  await tidyUp();
}
exit();
