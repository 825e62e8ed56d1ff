import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

// Runs ready.mjs in an empty repository of its own, with a fake npm that only records its calls.

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);
const writeLock = (version: string) =>
  writeFileSync(
    at('package-lock.json'),
    JSON.stringify({ packages: { '': {}, 'node_modules/a': { version, integrity: `sha512-${version}` } } }),
  );
const npmCalls = () => readFileSync(at('npm-calls'), 'utf8').split('\n').filter(Boolean);

function ready(before: string[] = [], environment: Record<string, string> = {}) {
  const startedAt = Date.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [...before, at('scripts', 'ready.mjs')], {
    encoding: 'utf8',
    timeout: 20_000,
    env: {
      ...process.env,
      npm_lifecycle_event: '',
      ...environment,
      PATH: `${at('bin')}${delimiter}${process.env.PATH}`,
    },
  });
  // what it writes is never part of a command's output: TOKEN=$(npm run -s token) is the token alone
  expect(stdout).toBe('');
  return { status, stderr, tookMs: Date.now() - startedAt };
}

const npmThat = (does: string) => {
  writeFileSync(at('bin', 'npm'), `#!/bin/sh\necho "$*" >>"${at('npm-calls')}"\n${does}\n`);
  chmodSync(at('bin', 'npm'), 0o755);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-ready-'));
  mkdirSync(at('bin'));
  mkdirSync(at('scripts'));
  mkdirSync(at('docs'));
  copyFileSync(join(__dirname, 'ready.mjs'), at('scripts', 'ready.mjs'));
  writeFileSync(at('npm-calls'), '');
  npmThat('mkdir -p node_modules');
  writeLock('1.0.0');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a fresh clone is told that its packages are installed, and that it happens once', () => {
  const { status, stderr } = ready();
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /^Installing packages \(about 30 s, first time only\)…\n {2}✓ packages .*\(first time only\)\n$/,
  );
  expect(npmCalls()).toEqual([expect.stringMatching(/^ci /)]);
});

test('with nothing to do it says nothing', () => {
  ready();
  expect(ready()).toMatchObject({ status: 0, stderr: '' });
  expect(npmCalls()).toHaveLength(1);
});

test('a changed lock is installed again', () => {
  ready();
  writeLock('2.0.0');
  expect(ready().stderr).toContain('because package-lock.json changed');
  expect(npmCalls()).toHaveLength(2);
});

test('packages that were installed with npm ci are not installed a second time', () => {
  mkdirSync(at('node_modules'));
  copyFileSync(at('package-lock.json'), at('node_modules', '.package-lock.json'));
  expect(ready()).toMatchObject({ status: 0, stderr: '' });
  expect(npmCalls()).toEqual([]);
});

test('an installation that fails shows what npm said, and is tried again the next time', () => {
  npmThat('echo "the registry is away"; exit 1');
  const { status, stderr } = ready();
  expect(status).toBe(1);
  expect(stderr).toContain('the registry is away');
  npmThat('mkdir -p node_modules');
  expect(ready().status).toBe(0);
});

test('a long installation says every second that it goes on', () => {
  npmThat('sleep 2.8; mkdir -p node_modules');
  expect(ready().stderr).toMatch(/ {2}… npm ci \(1 s\)\n {2}… npm ci \(2 s\)\n/);
});

test('under npm start the times are left for the start block', () => {
  const { stderr } = ready([], { npm_lifecycle_event: 'start' });
  expect(stderr).not.toContain('✓');
  expect(JSON.parse(readFileSync(at('.tocsin', 'ready.json'), 'utf8'))).toEqual({
    packages_ms: expect.any(Number),
    packages_first_time: true,
  });
});

test('an old Node is told so in one sentence', () => {
  const oldNode = `data:text/javascript,Object.defineProperty(process,'version',{value:'v20.18.3'})`;
  expect(ready(['--import', oldNode])).toMatchObject({
    status: 1,
    stderr: 'Tocsin needs Node 20.19 or newer; this is 20.18.3.\n',
  });
  expect(npmCalls()).toEqual([]);
});
