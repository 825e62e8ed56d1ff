import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { env } from 'node:process';
import { say } from './report.mjs';
import { isStopping, root, run, tool } from './running.mjs';
import { leftOut } from './whole-files.mjs';

/** The tiers of tests, in the order in which they run. */
export const TIERS = ['unit', 'integration', 'e2e'];

/**
 * How many files Jest runs at a time. Every core counts where there are two, which Jest by itself would not see. What
 * waits for services and processes leaves a core to a third; those that measure have the machine to themselves.
 */
const WORKERS = { unit: Math.max(2, availableParallelism() - 1), integration: 3, e2e: 3, load: 1 };
const PROJECTS = { unit: ['unit'], integration: ['integration'], e2e: ['e2e', 'load'] };

/** More failing files than this are not run alone: so many are not bad luck. */
const MAX_RUN_ALONE = 6;

/** With `TOCSIN_STEADY=required` a file that passes only alone has failed. */
const IS_STEADY_REQUIRED = env.TOCSIN_STEADY === 'required';

/** Runs the Jest projects of a tier. `patterns`: which files, none for all. */
export async function runTier(name, { patterns, environment, outputFolder, report }) {
  const before = report.passed + report.failed;
  for (const project of PROJECTS[name]) {
    if (isStopping()) return;
    say(`\n${project}`);
    await runProject(project, patterns, { step: name, environment, outputFolder, report });
  }
  if (name === 'e2e' && patterns.length === 0)
    for (const file of leftOut()) report.skip(file, 'npm run test:faults runs it');
  if (report.passed + report.failed === before) report.fail(`${name}: not one test ran`);
}

/** Counts what this run of a project found, and says of each failing file whether it passes alone. */
async function runProject(project, patterns, options) {
  const { report } = options;
  const { code, suites } = await runJest(project, patterns, { ...options, workers: WORKERS[project] });
  const tests = suites.flatMap(({ assertionResults }) => assertionResults);
  const failing = suites.filter(({ status }) => status === 'failed');
  report.passed += tests.filter(({ status }) => status === 'passed').length;
  // A suite that cannot be loaded has no failed test: it counts as one.
  report.failed += failing.reduce((sum, suite) => sum + Math.max(1, failedTests(suite).length), 0);
  if (code !== 0 && failing.length === 0) report.fail(`${project}: Jest ended with ${code}`);
  for (const test of tests)
    if (['pending', 'todo', 'skipped'].includes(test.status)) report.skip(project, test.fullName);
  if (failing.length > 0 && failing.length <= MAX_RUN_ALONE && !isStopping()) await diagnose(project, failing, options);
}

/**
 * Runs what failed once more, alone. A file that passes now depends on its neighbours or on luck. It is named unsteady,
 * which is a defect. What waits for processes of a busy machine does not fail the run for it, unless that is required;
 * units always do.
 */
async function diagnose(project, failing, options) {
  say(`\n${project}: once more, alone, as a diagnosis: ${failing.map(({ name }) => relative(root, name)).join(', ')}`);
  const patterns = failing.map(({ name }) => `${relative(root, name).replaceAll('.', '\\.')}$`);
  const { suites } = await runJest(project, patterns, { ...options, workers: 1 });
  const passedAlone = new Set(suites.filter(({ status }) => status === 'passed').map(({ name }) => name));
  for (const suite of failing.filter(({ name }) => passedAlone.has(name))) {
    const what = failedTests(suite).join('; ') || 'it could not be loaded';
    options.report.unsteady.push(`${project}: ${relative(root, suite.name)}: ${what}`);
    if (project === 'unit' || IS_STEADY_REQUIRED) continue;
    options.report.failed -= Math.max(1, failedTests(suite).length);
    options.report.passed += suites
      .find(({ name }) => name === suite.name)
      .assertionResults.filter(({ fullName }) => failedTests(suite).includes(fullName)).length;
  }
}

const failedTests = (suite) =>
  suite.assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);

/** Runs the files of a project that match; without patterns all of them. */
async function runJest(project, patterns, { step, environment, outputFolder, workers }) {
  const report = join(outputFolder, `${project}.json`);
  rmSync(report, { force: true });
  const args = [`--selectProjects=${project}`, '--json', `--outputFile=${report}`, '--passWithNoTests'];
  args.push(workers === 1 ? '--runInBand' : `--maxWorkers=${workers}`);
  if (patterns.length > 0) args.push('--testPathPatterns', ...patterns);
  const { code } = await run([...tool('jest', 'bin', 'jest.js'), ...args], { step, environment, report });
  return { code, suites: existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [] };
}
