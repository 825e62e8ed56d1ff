import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { env, getuid } from 'node:process';
import { buildForTest, downloadSchemas } from './go-programs.mjs';
import { has, root, run } from './running.mjs';
import { SERVICES } from './services.mjs';
import { isLeftOut } from './whole-files.mjs';

/**
 * Programs that some tests run beside us: Debian's package, the commands that show that it is there, the tests that
 * want it. Debian has no package of some: `build` makes the pinned version, or resolves to the reason why it cannot;
 * then one that is installed will do. Without a program, `SKIP_<NAME>` tells its tests the reason.
 */
const PROGRAMS = [
  {
    name: 'nginx',
    tier: 'e2e',
    shownBy: [
      ['nginx', '-v'],
      ['/usr/sbin/nginx', '-v'],
    ],
    wantedIn: ['e2e', 'nginx'],
  },
  {
    name: 'haproxy',
    tier: 'e2e',
    shownBy: ['haproxy', '/usr/sbin/haproxy'].map((command) => [command, '-v']),
    wantedIn: ['e2e', 'proxies'],
  },
  {
    name: 'caddy',
    tier: 'e2e',
    shownBy: [['caddy', 'version']],
    wantedIn: ['e2e', 'proxies'],
  },
  {
    name: 'nats-server',
    tier: 'e2e',
    shownBy: ['nats-server', '/usr/sbin/nats-server'].map((command) => [command, '--version']),
    wantedIn: ['e2e', 'nats'],
  },
  {
    name: 'prometheus-alertmanager',
    tier: 'e2e',
    shownBy: ['prometheus-alertmanager', '/usr/bin/prometheus-alertmanager', 'alertmanager'].map((command) => [
      command,
      '--version',
    ]),
    wantedIn: ['e2e', 'alertmanager'],
  },
  {
    name: 'pgbouncer',
    tier: 'e2e',
    shownBy: [
      ['pgbouncer', '--version'],
      ['/usr/sbin/pgbouncer', '--version'],
    ],
    wantedIn: ['e2e', 'pgbouncer'],
  },
  // a client of others is built with it, of a module that it has or can get; too large to be installed for that
  {
    name: 'go',
    tier: 'e2e',
    shownBy: ['go', '/usr/local/go/bin/go'].map((command) => [
      command,
      'list',
      '-m',
      'github.com/r3labs/sse/v2@v2.10.0',
    ]),
    wantedIn: ['e2e', 'sse-clients'],
    mayBeInstalled: false,
  },
  {
    name: 'chromium',
    tier: 'e2e',
    shownBy: ['chromium', 'chromium-browser', 'google-chrome'].map((command) => [command, '--version']),
    wantedIn: ['e2e', 'browser'],
  },
  // half the CPU of the whole Chromium; tests that need no window take it where it can be had
  {
    name: 'chromium-headless-shell',
    tier: 'e2e',
    shownBy: [['chromium-headless-shell', '--version']],
    wantedIn: ['e2e', 'browser'],
  },
  // the shells other than bash whose completion is tested
  ...['zsh', 'fish'].map((name) => ({
    name,
    tier: 'e2e',
    shownBy: [[name, '--version']],
    wantedIn: ['e2e', 'completion'],
  })),
  // with promtool, which tests the alert rules
  {
    name: 'prometheus',
    tier: 'unit',
    shownBy: [['promtool', '--version']],
    wantedIn: ['scripts', 'monitoring'],
  },
  {
    name: 'kustomize',
    tier: 'unit',
    shownBy: [['kustomize', 'version']],
    wantedIn: ['scripts', 'manifests'],
    build: () => buildForTest('kustomize'),
  },
  {
    name: 'helm',
    tier: 'unit',
    shownBy: [['helm', 'version']],
    wantedIn: ['scripts', 'chart'],
    build: () => buildForTest('helm'),
  },
  {
    name: 'kubeconform',
    tier: 'unit',
    shownBy: [],
    wantedIn: ['scripts', 'manifest-schemas'],
    build: async () => (await buildForTest('kubeconform')) ?? downloadSchemas(),
  },
  {
    name: 'python3-pika',
    tier: 'integration',
    shownBy: ['python3', '/usr/bin/python3'].map((command) => [command, '-c', 'import pika']),
    wantedIn: ['examples', 'python'],
  },
];

async function prepareProgram({ name, shownBy, wantedIn: [folder, word], mayBeInstalled = true, build }, environment) {
  const wanted = readdirSync(join(root, folder), { recursive: true }).some(
    (file) => file.endsWith('.spec.ts') && file.includes(word) && !isLeftOut(file),
  );
  const isThere = () => shownBy.some((command) => has(...command));
  if (!wanted) return;
  const variable = `SKIP_${name.toUpperCase().replaceAll('-', '_')}`;
  if (build) {
    const reason = isThere() ? undefined : await build();
    if (reason) environment[variable] = reason;
    return;
  }
  if (isThere()) return;
  if (mayBeInstalled && getuid?.() === 0 && has('apt-get', '--version')) {
    const { code } = await run([SERVICES, 'install', name], { step: 'install' });
    if (code === 0 && isThere()) return;
  }
  environment[variable] = `${name} is not installed${name === 'go' ? ', or lacks a module' : ''}`;
}

/** Other systems' own clients are installed by their test, into a folder of its own. */
function preparePeerClients(environment, patterns) {
  if (!isWanted('e2e/peer-clients.whole.e2e.spec.ts', patterns)) return;
  if (!has('npm', 'ping')) environment.SKIP_PEER_CLIENTS = "npm's registry cannot be reached";
  else if (!has('openssl', 'version')) environment.SKIP_PEER_CLIENTS = 'openssl is not installed';
}

const CLONING = 'e2e/browser/first-ten-minutes.load.e2e.spec.ts';

/**
 * Prepares the test that clones this checkout, and at full size installs the clone. Does nothing when that test will
 * not run.
 */
function prepareClone(environment, patterns) {
  if (!isWanted(CLONING, patterns)) return;
  const isCheckout = existsSync(join(root, '.git')) && has('git', '-C', root, 'rev-parse', '--verify', 'HEAD');
  if (!isCheckout) environment.SKIP_CLONE = 'this folder is no git checkout';
  else if (env.TOCSIN_FAULTS === 'full' && !has('npm', 'ping'))
    environment.SKIP_CLONE = "npm's registry cannot be reached";
}

const isWanted = (file, patterns) =>
  !isLeftOut(file) && (patterns.length === 0 || patterns.some((pattern) => new RegExp(pattern).test(file)));

/**
 * Looks for the programs that tests of these steps want, and installs what may be installed. For each that is missing,
 * `SKIP_<NAME>` in `environment` gives the reason.
 */
export async function preparePrograms(steps, environment) {
  for (const program of PROGRAMS.filter(({ tier }) => steps.includes(tier))) await prepareProgram(program, environment);
}

/** The same for what end to end tests do with npm and git. `patterns`: which files will run, none for all. */
export function prepareRegistryAndClone(environment, patterns) {
  prepareClone(environment, patterns);
  preparePeerClients(environment, patterns);
}
