// `npm test`: everything that CI runs, and nothing else decides. Brings up the services, lints, checks types and
// manifests, builds, runs the three tiers of tests, and ends with the line `N passed, N failed`.
//
//   node scripts/test.mjs                        all of it
//   node scripts/test.mjs --only unit,types      some of it: lint, format, types, manifests, unit, integration, e2e
//   node scripts/test.mjs --only unit feed ...   further words are patterns of paths for Jest
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, execPath, exit } from 'node:process';
import { check, CHECKS } from './test/checks.mjs';
import { preparePrograms, prepareRegistryAndClone } from './test/programs.mjs';
import { Report, say } from './test/report.mjs';
import { isStopping, root, run, stopRunning } from './test/running.mjs';
import { servicesDown, servicesUp } from './test/services.mjs';
import { runTier, TIERS } from './test/tiers.mjs';

const STEPS = [...CHECKS, ...TIERS];
const only = argv.indexOf('--only') < 0 ? STEPS : (argv[argv.indexOf('--only') + 1]?.split(',') ?? []);
const patterns = argv.slice(2).filter((word, at, all) => word !== '--only' && all[at - 1] !== '--only');
const unknown = only.filter((step) => !STEPS.includes(step));
if (unknown.length > 0 || only.length === 0) {
  say(`--only takes ${STEPS.join(', ')}; not "${unknown.join(', ')}".`);
  exit(64);
}

const outputFolder = mkdtempSync(join(tmpdir(), 'tocsin-test-'));

/** May be called twice; a Ctrl+C in the middle comes through here as well. */
function tidyUp() {
  rmSync(outputFolder, { recursive: true, force: true });
  servicesDown();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (isStopping()) return;
    stopRunning(signal);
    setTimeout(() => {
      stopRunning('SIGKILL');
      tidyUp();
      exit(130);
    }, 3_000);
  });
}

async function prepare(environment) {
  if (only.includes('integration') || only.includes('e2e')) {
    say('\nservices');
    Object.assign(environment, await servicesUp());
  }
  await preparePrograms(only, environment);
}

async function runAll(report) {
  const environment = {};
  // All at a time: each check runs on one core, and what is downloaded and started mostly waits.
  const [prepared] = await Promise.allSettled([
    prepare(environment),
    ...only.filter((step) => CHECKS.includes(step)).map((name) => check(name, report)),
  ]);
  if (prepared.status === 'rejected') throw prepared.reason;
  if (only.includes('e2e')) {
    prepareRegistryAndClone(environment, patterns);
    if ((await run([execPath, join(root, 'scripts', 'ready.mjs'), 'build'], { step: 'build' })).code !== 0)
      throw new Error('the build failed');
  }
  for (const name of TIERS.filter((one) => only.includes(one)))
    if (!isStopping()) await runTier(name, { patterns, environment, outputFolder, report });
}

const startedAt = Date.now();
const report = new Report();
try {
  await runAll(report);
} catch (error) {
  report.fail(error.message);
}
if (!isStopping()) {
  tidyUp();
  process.exitCode = report.end(Date.now() - startedAt);
}
