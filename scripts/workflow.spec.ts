import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

interface Job {
  'timeout-minutes'?: number;
  permissions?: Record<string, string>;
  strategy?: { matrix: Record<string, string[]> };
  steps: { uses?: string; run?: string; with?: Record<string, string> }[];
}

const root = join(__dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const workflow = parse(read('.github/workflows/ci.yml')) as {
  permissions: Record<string, string>;
  jobs: Record<string, Job>;
};
const manifest = JSON.parse(read('package.json')) as { engines: { node: string }; scripts: Record<string, string> };
const jobs = Object.entries(workflow.jobs);
const steps = jobs.flatMap(([, job]) => job.steps);

test('the tests of the workflow are those of .ci/run, on the oldest Node that is supported too', () => {
  const { test: tests } = workflow.jobs;
  expect(tests!.steps.map(({ run }) => run)).toContain('.ci/run');
  expect(tests!.strategy!.matrix.node).toContain(manifest.engines.node.replace('>=', ''));
});

test('every command of a step is there', () => {
  const commands = steps.flatMap(({ run }) => (run === undefined ? [] : run.split('\n').filter(Boolean)));
  expect(commands.length).toBeGreaterThan(4);
  for (const command of commands) {
    const [program, verb, name] = command.split(' ');
    if (program === 'npm' && verb === 'run') expect(Object.keys(manifest.scripts)).toContain(name);
    else if (program === 'npm') expect(['ci', 'audit']).toContain(verb);
    else if (program === 'docker') expect(existsSync(join(root, 'Dockerfile'))).toBe(true);
    else expect(existsSync(join(root, program!))).toBe(true);
  }
});

test('every action has an exact version', () => {
  for (const { uses } of steps) if (uses) expect(uses).toMatch(/^[\w-]+\/[\w./-]+@(v\d+\.\d+\.\d+|[0-9a-f]{40})$/);
});

test('a job may read the code and nothing else, unless it says so, and ends by itself', () => {
  expect(workflow.permissions).toEqual({ contents: 'read' });
  const writing = jobs.filter(([, { permissions = {} }]) => Object.values(permissions).includes('write'));
  expect(writing.map(([name]) => name)).toEqual(['codeql']);
  for (const [name, job] of jobs) expect([name, job['timeout-minutes']]).toEqual([name, expect.any(Number)]);
});
