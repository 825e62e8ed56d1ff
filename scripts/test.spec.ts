import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// test.mjs in a folder of its own, with a Jest that reports what it is told and writes down how it was called.

type Outcome = 'passed' | 'failed' | 'pending' | 'not loaded';
/** The tests of each file, run by run. */
type Runs = Record<string, Outcome[]>[];

const FAKE_JEST = `
const { appendFileSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const root = join(__dirname, '..', '..', '..');
const calls = join(root, 'calls');
const at = readFileSync(calls, 'utf8').split('\\n').filter(Boolean).length;
appendFileSync(calls, process.argv.slice(2).join(' ') + '\\n');
const run = JSON.parse(readFileSync(join(root, 'runs.json'), 'utf8'))[at];
const testResults = Object.entries(run).map(([file, outcomes]) => ({
  name: join(root, file),
  status: outcomes.some((one) => one === 'failed' || one === 'not loaded') ? 'failed' : 'passed',
  assertionResults: outcomes.filter((one) => one !== 'not loaded').map((status, i) => ({ status, fullName: 'test ' + (i + 1) })),
}));
writeFileSync(process.argv.find((word) => word.startsWith('--outputFile=')).slice(13), JSON.stringify({ testResults }));
process.exitCode = testResults.some(({ status }) => status === 'failed') ? 1 : 0;
`;

let folder: string;

function testWith(runs: Runs) {
  writeFileSync(join(folder, 'runs.json'), JSON.stringify(runs));
  const { status, stdout } = spawnSync(process.execPath, [join(folder, 'scripts', 'test.mjs'), '--only', 'unit'], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  const calls = readFileSync(join(folder, 'calls'), 'utf8').split('\n').filter(Boolean);
  return { status, lines: stdout.trimEnd().split('\n'), calls };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-suite-'));
  mkdirSync(join(folder, 'node_modules', 'jest', 'bin'), { recursive: true });
  writeFileSync(join(folder, 'node_modules', 'jest', 'bin', 'jest.js'), FAKE_JEST);
  mkdirSync(join(folder, 'scripts'));
  for (const name of ['test.mjs', 'test'])
    cpSync(join(__dirname, name), join(folder, 'scripts', name), { recursive: true });
  writeFileSync(join(folder, 'calls'), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('a run in which all passed ends well, and its last line counts them', () => {
  const { status, lines, calls } = testWith([
    { 'a.spec.ts': ['passed', 'passed'], 'b.spec.ts': ['passed', 'pending'] },
  ]);
  expect(status).toBe(0);
  expect(lines.slice(-2)).toEqual(['  0 unsteady', '3 passed, 0 failed']);
  expect(lines).toContain('  - skipped: unit: test 2');
  expect(calls).toHaveLength(1);
});

it('a file that failed and passes alone is unsteady, and what failed in it stays failed', () => {
  const { status, lines, calls } = testWith([
    { 'a.spec.ts': ['passed', 'failed', 'failed'], 'b.spec.ts': ['passed'] },
    { 'a.spec.ts': ['passed', 'passed', 'passed'] },
  ]);
  expect(status).toBe(1);
  expect(lines.slice(-2)).toEqual(['  1 unsteady', '2 passed, 2 failed']);
  expect(lines).toContain('  ! unsteady (failed beside others, passed alone): unit: a.spec.ts: test 2; test 3');
  expect(calls[1]).toMatch(/--runInBand --testPathPatterns a\\\.spec\\\.ts\$$/);
});

it.each([
  ['counts apart', {}, 0, '4 passed, 0 failed'],
  ['fails the run where that is required', { TOCSIN_STEADY: 'required' }, 1, '2 passed, 2 failed'],
])('such a file of a tier that waits for processes %s', (_, environment, exitCode, counts) => {
  const failed = { 'a.spec.ts': ['passed', 'failed', 'failed'], 'b.spec.ts': ['passed'] };
  writeFileSync(join(folder, 'runs.json'), JSON.stringify([failed, { 'a.spec.ts': ['passed', 'passed', 'passed'] }]));
  const script = `
    import { Report } from './scripts/test/report.mjs';
    import { runTier } from './scripts/test/tiers.mjs';
    const report = new Report();
    await runTier('integration', { patterns: [], environment: {}, outputFolder: '.', report });
    process.exitCode = report.end(0);`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, TOCSIN_STEADY: '', ...environment },
    timeout: 20_000,
  });
  expect(status).toBe(exitCode);
  expect(stdout.trimEnd().split('\n').slice(-2)).toEqual(['  1 unsteady', counts]);
});

it('a file that fails alone too is a plain failure', () => {
  const { status, lines } = testWith([
    { 'a.spec.ts': ['passed', 'failed'], 'b.spec.ts': ['failed'] },
    { 'a.spec.ts': ['failed', 'passed'], 'b.spec.ts': ['passed'] },
  ]);
  expect(status).toBe(1);
  expect(lines.slice(-2)).toEqual(['  1 unsteady', '1 passed, 2 failed']);
  expect(lines.filter((line) => line.includes('unsteady ('))).toEqual([expect.stringContaining('b.spec.ts')]);
});

it('a file that cannot be loaded counts as one failure, unsteady or not', () => {
  const { status, lines } = testWith([{ 'a.spec.ts': ['not loaded'] }, { 'a.spec.ts': ['passed', 'passed'] }]);
  expect(status).toBe(1);
  expect(lines.slice(-2)).toEqual(['  1 unsteady', '0 passed, 1 failed']);
});

it('of more than six failing files none is run a second time', () => {
  const { status, lines, calls } = testWith([
    Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => [`${name}.spec.ts`, ['failed'] as Outcome[]])),
  ]);
  expect(status).toBe(1);
  expect(lines.slice(-2)).toEqual(['  0 unsteady', '0 passed, 7 failed']);
  expect(calls).toHaveLength(1);
});

it('a run without a single test has failed', () => {
  const { status, lines } = testWith([{}]);
  expect(status).toBe(1);
  expect(lines.at(-1)).toBe('0 passed, 1 failed');
});
