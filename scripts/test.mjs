// `npm test`: everything that CI runs, and nothing else decides. Brings up the services, lints, checks types and manifests,
// builds, runs the three tiers of tests, and ends with the line `N passed, N failed`.
//
//   node scripts/test.mjs                        all of it
//   node scripts/test.mjs --only unit,types      some of it: lint, types, manifests, unit, integration, e2e
//   node scripts/test.mjs --only unit feed ...   further words are patterns of paths for Jest
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { argv, env, execPath, exit, getuid, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const SERVICES = join(root, 'infrastructure', 'local', 'services.sh');
const tool = (...path) => [execPath, join(root, 'node_modules', ...path)];

const CHECKS = ['lint', 'types', 'manifests'];
const TIERS = ['unit', 'integration', 'e2e'];

/** How long a step (for tests: a Jest project of it) may take before it is ended and counted as failed: a run that hangs must not hang its CI. */
const STEP_TIMEOUT_MS = {
  lint: 420_000,
  types: 420_000,
  manifests: 60_000,
  build: 180_000,
  install: 600_000,
  unit: 600_000,
  integration: 900_000,
  e2e: env.TOCSIN_FAULTS === 'full' ? 5_400_000 : 1_800_000,
};

const only = argv.indexOf('--only') < 0 ? [...CHECKS, ...TIERS] : (argv[argv.indexOf('--only') + 1]?.split(',') ?? []);
const patterns = argv.slice(2).filter((word, at, all) => word !== '--only' && all[at - 1] !== '--only');
const unknown = only.filter((step) => ![...CHECKS, ...TIERS].includes(step));
if (unknown.length > 0 || only.length === 0) {
  stdout.write(`--only takes ${[...CHECKS, ...TIERS].join(', ')}; not "${unknown.join(', ')}".\n`);
  exit(64);
}

const say = (line = '') => stdout.write(`${line}\n`);
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const total = { passed: 0, failed: 0 };
const skipped = [];
/** What failed beside others and passed alone: no failure, and a defect of the test or of what it tests. */
const unsteady = [];
const running = new Set();
let stopping = false;

/** How long a program may stay when it has reported all that it had to do: something in it was left open, which is a failure. */
const LINGER_MS = 30_000;

/**
 * Runs a program without an input. Resolves to its exit code (timeout or signal: 1) and, when it is captured, its output.
 * `report`: the file that it writes when it is done.
 */
function run([command, ...args], { step, capture = false, environment = {}, report }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...env, ...environment },
      stdio: ['ignore', capture ? 'pipe' : 'inherit', capture ? 'pipe' : 'inherit'],
    });
    running.add(child);
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    const timeout = setTimeout(() => {
      output += `\nended after ${seconds(STEP_TIMEOUT_MS[step])}`;
      say(`  ✗ ${step}: no end after ${seconds(STEP_TIMEOUT_MS[step])}`);
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
    }, STEP_TIMEOUT_MS[step]);
    let lingers;
    const watch =
      report &&
      setInterval(() => {
        if (lingers || !existsSync(report)) return;
        lingers = setTimeout(() => {
          say(`  ✗ ${step}: done, and no end after ${seconds(LINGER_MS)}`);
          child.kill('SIGKILL');
        }, LINGER_MS);
      }, 1_000);
    const end = (code, why = '') => {
      clearTimeout(timeout);
      clearInterval(watch);
      clearTimeout(lingers);
      running.delete(child);
      resolve({ code: code ?? 1, output: output + why });
    };
    child.on('error', (error) => end(1, error.message));
    child.on('close', (code) => end(code));
  });
}

const has = (program, ...args) => spawnSync(program, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
const skip = (what, reason) => skipped.push(`${what}: ${reason}`);

// ------------------------------------------------------------------------------------------- checks: one count each

/** Each command of a check, run one after the other; the first that fails is the check's failure. */
function commandsOf(check) {
  if (check === 'lint') {
    return [
      [...tool('eslint', 'bin', 'eslint.js'), '.'],
      [...tool('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level=warn', '.'],
    ];
  }
  if (check === 'types')
    return ['tsconfig.json', 'tsconfig.browser.json'].map((project) => [
      ...tool('typescript', 'bin', 'tsc'),
      '--noEmit',
      '-p',
      project,
    ]);
  const commands = [];
  if (has('kubectl', 'version', '--client')) {
    const overlays = join('infrastructure', 'kubernetes', 'overlays');
    for (const overlay of readdirSync(join(root, overlays)))
      commands.push(['kubectl', 'kustomize', join(overlays, overlay)]);
  } else skip('manifests (kubernetes)', 'kubectl is not installed');
  if (has('docker', 'compose', 'version'))
    commands.push(['docker', 'compose', '-f', 'docker-compose.yml', 'config', '--quiet']);
  else skip('manifests (compose)', 'docker compose is not installed');
  return commands;
}

async function check(name) {
  const startedAt = Date.now();
  const commands = commandsOf(name);
  if (commands.length === 0) return say(`  - ${name}: skipped`);
  for (const command of commands) {
    const { code, output } = await run(command, { step: name, capture: true });
    if (code !== 0) {
      total.failed += 1;
      return say(`${output.trim()}\n  ✗ ${name} (${seconds(Date.now() - startedAt)})`);
    }
  }
  total.passed += 1;
  say(`  ✓ ${name} (${seconds(Date.now() - startedAt)})`);
}

// ------------------------------------------------------------------------------------------- what the tests stand on

/**
 * Programs that some tests run beside us: Debian's package, the commands that show that it is there, and the tests that want
 * it. Without one, `SKIP_<NAME>` tells its tests the reason.
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
  {
    name: 'python3-pika',
    tier: 'integration',
    shownBy: ['python3', '/usr/bin/python3'].map((command) => [command, '-c', 'import pika']),
    wantedIn: ['examples', 'python'],
  },
];

async function prepareProgram({ name, shownBy, wantedIn: [folder, word], mayBeInstalled = true }, environment) {
  const wanted = readdirSync(join(root, folder), { recursive: true }).some(
    (file) => file.endsWith('.spec.ts') && file.includes(word),
  );
  const isThere = () => shownBy.some((command) => has(...command));
  if (!wanted || isThere()) return;
  if (mayBeInstalled && getuid?.() === 0 && has('apt-get', '--version')) {
    const { code } = await run([SERVICES, 'install', name], { step: 'install' });
    if (code === 0 && isThere()) return;
  }
  environment[`SKIP_${name.toUpperCase().replaceAll('-', '_')}`] =
    `${name} is not installed${mayBeInstalled ? '' : ', or lacks a module'}`;
}

/** Other systems' own clients are installed by their test, into a folder of its own. */
function preparePeerClients(environment) {
  if (patterns.length > 0 && !patterns.some((pattern) => new RegExp(pattern).test('e2e/peer-clients.e2e.spec.ts')))
    return;
  if (!has('npm', 'ping')) environment.SKIP_PEER_CLIENTS = "npm's registry cannot be reached";
  else if (!has('openssl', 'version')) environment.SKIP_PEER_CLIENTS = 'openssl is not installed';
}

const CLONING = 'e2e/browser/first-ten-minutes.load.e2e.spec.ts';

/** What the test stands on that clones this checkout, and at full size installs the clone. Nobody is asked when it will not run. */
function prepareClone(environment) {
  if (patterns.length > 0 && !patterns.some((pattern) => new RegExp(pattern).test(CLONING))) return;
  const isCheckout = existsSync(join(root, '.git')) && has('git', '-C', root, 'rev-parse', '--verify', 'HEAD');
  if (!isCheckout) environment.SKIP_CLONE = 'this folder is no git checkout';
  else if (env.TOCSIN_FAULTS === 'full' && !has('npm', 'ping'))
    environment.SKIP_CLONE = "npm's registry cannot be reached";
}

/** The tests' URLs, and whether it was us who started something. */
async function servicesUp() {
  const startedFile = join(root, '.tocsin', 'services', 'started');
  const before = existsSync(startedFile);
  const { code } = await run([SERVICES, 'up'], { step: 'install' });
  const ours = !before && existsSync(startedFile);
  const { stdout: exports } = spawnSync(SERVICES, ['env'], { encoding: 'utf8' });
  // The lines are shell: a shell reads them.
  const read = spawnSync(
    'bash',
    ['-c', 'eval "$1"; printf "%s\\n%s\\n%s" "$DATABASE_URL" "$REDIS_URL" "$RABBITMQ_URL"', 'bash', exports],
    { encoding: 'utf8' },
  );
  const [DATABASE_URL, REDIS_URL, RABBITMQ_URL] = read.stdout.split('\n');
  return { up: code === 0, ours, environment: { DATABASE_URL, REDIS_URL, RABBITMQ_URL } };
}

async function prepare(environment) {
  if (only.includes('integration') || only.includes('e2e')) {
    say('\nservices');
    const services = await servicesUp();
    servicesToEnd = services.ours;
    Object.assign(environment, services.environment);
    if (!services.up) throw new Error('the services did not come up');
  }
  for (const program of PROGRAMS.filter(({ tier }) => only.includes(tier))) await prepareProgram(program, environment);
}

// ------------------------------------------------------------------------------------------- the three tiers

/**
 * How many files Jest runs at a time. Every core counts where there are two, which Jest by itself would not see. What waits for
 * services and processes leaves a core to a third; those that measure have the machine to themselves.
 */
const WORKERS = { unit: Math.max(2, availableParallelism() - 1), integration: 3, e2e: 3, load: 1 };
const PROJECTS = { unit: ['unit'], integration: ['integration'], e2e: ['e2e', 'load'] };

async function tier(name, environment, outputFolder) {
  let ran = 0;
  for (const project of PROJECTS[name])
    if (!stopping) ran += await runProject(project, name, environment, outputFolder);
  if (ran > 0 || stopping) return;
  total.failed += 1;
  say(`  ✗ ${name}: not one test ran`);
}

/** Of more files than this nobody can say that they were unlucky. */
const MAX_SECOND_TRIES = 3;

/** Resolves to how many of its tests passed or failed. */
async function runProject(project, step, environment, outputFolder) {
  say(`\n${project}`);
  const first = await runJest(project, patterns, { step, environment, outputFolder, workers: WORKERS[project] });
  let { suites } = first;
  const failing = suites.filter(({ status }) => status === 'failed').map(({ name }) => name);
  // what waits for processes beside others on a small machine may wait too long: by itself it has no such excuse
  if (step !== 'unit' && !stopping && failing.length > 0 && failing.length <= MAX_SECOND_TRIES) {
    say(`\n${project}: once more, alone: ${failing.map((file) => relative(root, file)).join(', ')}`);
    const second = await runJest(project, failing.map(asPattern), { step, environment, outputFolder, workers: 1 });
    const again = ({ name }) => second.suites.find((suite) => suite.name === name);
    for (const suite of suites.filter((one) => one.status === 'failed' && again(one)?.status === 'passed')) {
      unsteady.push(
        `${project}: ${relative(root, suite.name)}: ${failedTests(suite).join('; ') || 'it could not be loaded'}`,
      );
    }
    suites = suites.map((suite) => (suite.status === 'failed' ? again(suite) : undefined) ?? suite);
  }
  const tests = suites.flatMap(({ assertionResults }) => assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  // A suite that cannot be loaded has no failed test, and is counted apart.
  let failed =
    tests.filter(({ status }) => status === 'failed').length +
    suites.filter((suite) => suite.status === 'failed' && failedTests(suite).length === 0).length;
  if (first.code !== 0 && failing.length === 0) {
    failed += 1;
    say(`  ✗ ${project}: Jest ended with ${first.code}`);
  }
  total.passed += passed;
  total.failed += failed;
  for (const test of tests) if (['pending', 'todo', 'skipped'].includes(test.status)) skip(project, test.fullName);
  return passed + failed;
}

const failedTests = (suite) =>
  suite.assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
const asPattern = (file) => `${relative(root, file).replaceAll(/[.]/g, '\\.')}$`;

/** Runs the files of a project that match; without patterns all of them. */
async function runJest(project, wanted, { step, environment, outputFolder, workers }) {
  const report = join(outputFolder, `${project}.json`);
  rmSync(report, { force: true });
  const args = [`--selectProjects=${project}`, '--json', `--outputFile=${report}`, '--passWithNoTests'];
  args.push(workers === 1 ? '--runInBand' : `--maxWorkers=${workers}`);
  if (wanted.length > 0) args.push('--testPathPatterns', ...wanted);
  const { code } = await run([...tool('jest', 'bin', 'jest.js'), ...args], { step, environment, report });
  return { code, suites: existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [] };
}

// ------------------------------------------------------------------------------------------- the run

let servicesToEnd = false;
const outputFolder = mkdtempSync(join(tmpdir(), 'tocsin-test-'));

/** May be called twice; a Ctrl+C in the middle comes through here as well. */
function tidyUp() {
  rmSync(outputFolder, { recursive: true, force: true });
  if (servicesToEnd) spawnSync(SERVICES, ['down'], { stdio: ['ignore', 'inherit', 'inherit'] });
  servicesToEnd = false;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    for (const child of running) child.kill(signal);
    setTimeout(() => {
      for (const child of running) child.kill('SIGKILL');
      tidyUp();
      exit(130);
    }, 3_000);
  });
}

const startedAt = Date.now();
try {
  const environment = {};
  // All at a time: each check runs on one core, and what is downloaded and started mostly waits.
  const [prepared] = await Promise.allSettled([
    prepare(environment),
    ...only.filter((step) => CHECKS.includes(step)).map(check),
  ]);
  if (prepared.status === 'rejected') throw prepared.reason;
  if (only.includes('e2e')) {
    prepareClone(environment);
    preparePeerClients(environment);
    if ((await run([execPath, join(root, 'scripts', 'ready.mjs'), 'build'], { step: 'build' })).code !== 0)
      throw new Error('the build failed');
  }
  for (const name of TIERS.filter((one) => only.includes(one)))
    if (!stopping) await tier(name, environment, outputFolder);
} catch (error) {
  total.failed += 1;
  say(`  ✗ ${error.message}`);
}
if (!stopping) {
  tidyUp();
  say();
  for (const line of skipped) say(`  - skipped: ${line}`);
  for (const line of unsteady) say(`  ! failed beside others, passed alone: ${line}`);
  if (total.passed + total.failed === 0) {
    say('  ✗ nothing was tested');
    total.failed = 1;
  }
  say(`  ${seconds(Date.now() - startedAt)}`);
  say(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}
