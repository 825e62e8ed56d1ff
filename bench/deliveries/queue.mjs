// The queue: due deliveries over 100 tenants and 4 channels are claimed, given to a sink that does nothing, and
// settled, beside other job queues. The peers are installed into `.tocsin/peers`, in pinned versions. Each round of a
// contender is a process and a database of its own.
import { fork, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { withDatabase } from './databases.mjs';
import { verdict } from './verdict.mjs';

const PEERS = { 'graphile-worker': '0.17.3', 'pg-boss': '10.4.2', bullmq: '5.81.5' };
const TENANTS = 100;
/** How many times a peer's rate Tocsin is to reach. */
const TARGETS = { 'graphile-worker': 1, BullMQ: 2, 'pg-boss': 4 };

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL('.', import.meta.url));
const root = resolve(here, '..', '..');

function installPeers() {
  const folder = join(root, '.tocsin', 'peers');
  const manifest = JSON.stringify({ private: true, dependencies: PEERS });
  const installed = Object.keys(PEERS).every(
    (name) =>
      existsSync(join(folder, 'node_modules', name)) &&
      require(join(folder, 'node_modules', name, 'package.json')).version === PEERS[name],
  );
  if (installed) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), manifest);
  stdout.write('Installing the peers…\n');
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('the peers could not be installed');
  return folder;
}

const contendersOf = ({ only, also }) =>
  [
    ['Tocsin', { contender: 'tocsin', dist: join(root, 'dist') }],
    ...also.map(([name, dist]) => [name, { contender: 'tocsin', dist: resolve(dist) }]),
    ['graphile-worker', { contender: 'graphile-worker' }],
    ['pg-boss', { contender: 'pg-boss' }],
    ['pg-boss by hand', { contender: 'pg-boss-by-hand' }],
    ['BullMQ', { contender: 'bullmq' }],
  ].filter(([name]) => !only || only.includes(name));

const measure = (services, peersFolder, count, options) =>
  withDatabase(services.DATABASE_URL, (databaseUrl) => {
    const asked = { ...options, count, tenants: TENANTS, peersFolder, databaseUrl, redisUrl: services.REDIS_URL };
    const child = fork(join(here, 'runner.mjs'), [JSON.stringify(asked)]);
    return new Promise((done, fail) => {
      let result;
      child.on('message', (message) => (result = message));
      child.on('exit', (code) =>
        code === 0 && result ? done(result) : fail(new Error(`${options.contender} failed`)),
      );
    });
  });

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const row = (...cells) =>
  stdout.write(
    `${cells[0].padEnd(18)}${cells
      .slice(1)
      .map((cell) => cell.padStart(18))
      .join('')}\n`,
  );

export async function queueRow(services, { count, rounds, only, also }) {
  const contenders = contendersOf({ only, also });
  const peersFolder = installPeers();
  const results = new Map(contenders.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, options] of contenders)
      results.get(name).push(await measure(services, peersFolder, count, options));
  }
  stdout.write(
    `\n${count.toLocaleString('en')} due deliveries, ${TENANTS} tenants, 4 channels, ${rounds} rounds, medians\n\n`,
  );
  row('', 'a second', 'PostgreSQL CPU', 'own CPU', 'Tocsin / it');
  const rates = (name) => results.get(name).map(({ ms }) => (count / ms) * 1000);
  const ratiosTo = (name) =>
    results.has('Tocsin') ? rates('Tocsin').map((rate, round) => rate / rates(name)[round]) : [NaN];
  for (const [name] of contenders) {
    const per = (what) => `${median(results.get(name).map((result) => (result[what] / count) * 1000)).toFixed(1)} us`;
    row(
      name,
      Math.round(median(rates(name))).toLocaleString('en'),
      per('server'),
      per('client'),
      median(ratiosTo(name)).toFixed(2),
    );
  }
  if (!results.has('Tocsin')) return;
  stdout.write('\n');
  for (const [name, atLeast] of Object.entries(TARGETS).filter(([peer]) => results.has(peer)))
    verdict(`deliveries a second / ${name}, at least ${atLeast.toFixed(2)}`, median(ratiosTo(name)), { atLeast });
  if (!results.has('graphile-worker')) return;
  const cpu = results.get('Tocsin').map(({ server }, round) => server / results.get('graphile-worker')[round].server);
  verdict('PostgreSQL CPU a delivery / graphile-worker, at most 1.00', median(cpu), { atMost: 1 });
}
