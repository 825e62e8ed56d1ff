import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePort } from './kit/free-port';

// The command line as a stranger gets it: packed, and installed in an empty folder.

const ROOT = join(__dirname, '..');
const HOME = join(ROOT, 'apps', 'cli');
const MAX_TARBALL = 14_000_000;
const run = promisify(execFile);

jest.setTimeout(240_000);

const folder = mkdtempSync(join(tmpdir(), 'tocsin-cli-'));
const project = join(folder, 'project');
const environment = {
  PATH: process.env.PATH,
  HOME: folder,
  npm_config_cache: join(folder, 'cache'),
  npm_config_offline: 'true',
};
let tarball: string;
let before: string[];

beforeAll(async () => {
  mkdirSync(project);
  before = readdirSync(HOME).sort();
  await run('npm', ['pack', '--pack-destination', folder], { cwd: HOME, env: environment });
  tarball = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz'))!,
  );
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true }));
  await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: project, env: environment });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `npx @tocsin/cli` in the project. Resolves with what it prints, also when it fails. */
const tocsin = async (args: string[], more: Record<string, string> = {}) => {
  const { stdout, stderr } = await run('npx', ['@tocsin/cli', ...args], {
    cwd: project,
    env: { ...environment, ...more },
  });
  return { out: stdout.trimEnd(), err: stderr };
};

it('npm pack in its folder makes the package that the script makes, and leaves nothing there', async () => {
  const { stdout } = await run(process.execPath, [join(ROOT, 'scripts', 'pack-cli.mjs'), join(folder, 'again')]);
  const sha = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
  expect(sha(stdout.trim())).toBe(sha(tarball));
  expect(readdirSync(HOME).sort()).toEqual(before);
  const readme = readFileSync(join(HOME, 'README.md'), 'utf8');
  expect(readme).toContain(`The tarball is smaller than ${(MAX_TARBALL / 1_000).toLocaleString('en')} KB`);
  expect(statSync(tarball).size).toBeLessThan(MAX_TARBALL);
});

it('it has the version and the engines of the repository, licences of what it contains, and no file of the tests', () => {
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const { version, engines, license, dependencies } = read(join(ROOT, 'package.json'));
  const installed = join(project, 'node_modules', '@tocsin', 'cli');
  const manifest = read(join(installed, 'package.json'));
  expect(manifest).toMatchObject({ version, engines, license });
  expect(manifest).not.toHaveProperty('dependencies');
  expect(readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['@tocsin']);
  const notices = readFileSync(join(installed, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const [name, its] of Object.entries(dependencies as Record<string, string>))
    expect(notices).toContain(`${name} ${its} (`);
  // what the page is built of
  for (const name of ['react', 'react-dom', 'lucide-react', '@fontsource-variable/inter'])
    expect(notices).toMatch(new RegExp(`^${name} [\\d.]+ \\(`, 'm'));
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  for (const file of ['LICENSE', 'README.md', 'lib/libs/postgres/src/migrations/0001-the-log.sql'])
    expect(files).toContain(file);
  expect(files.filter((file) => /\.spec\.|(^|\/)testing\/|\.map$|\.compiled$/.test(file))).toEqual([]);
});

it('publint finds nothing to correct', async () => {
  const publint = join(ROOT, 'node_modules', 'publint', 'src', 'cli.js');
  const { stdout } = await run(process.execPath, [publint, tarball, '--strict']).catch(
    (error: { stdout: string; stderr: string }) => ({ stdout: error.stdout + error.stderr }),
  );
  expect(stdout).toContain('All good!');
});

it('npx @tocsin/cli explains itself with the commands that its user has, and its exit codes arrive', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect((await tocsin(['--version'])).out).toBe(version);
  const { out } = await tocsin(['--help']);
  expect(out).toMatch(/^ {2}tocsin migrate +brings the database up to date$/m);
  expect(out).not.toContain('npm run');
  expect((await tocsin(['token'], { JWT_SECRET: 'a secret of the test, long enough for HS256' })).out).toMatch(/^ey/);
  await expect(tocsin(['pubish'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Did you mean publish?'),
  });
  await expect(tocsin(['token'])).rejects.toMatchObject({ code: 78 });
});

it('answers a Tab as the whole program does, without loading it', async () => {
  const installed = join(project, 'node_modules', '@tocsin', 'cli');
  for (const words of [[''], ['alerts', ''], ['tail', '--severity', 'urgent,'], ['publish', '--file', '']]) {
    const whole = join(installed, 'lib', 'apps', 'cli', 'src', 'tocsin.js');
    const { stdout } = await run(process.execPath, [whole, '__complete', ...words], { env: environment });
    expect(stdout).not.toBe('');
    expect((await tocsin(['__complete', ...words])).out).toBe(stdout.trimEnd());
  }
  const bundle = join(installed, 'lib', 'node_modules');
  renameSync(bundle, `${bundle}-away`);
  try {
    expect((await tocsin(['__complete', 'migrate', 'st'])).out).toMatch(/^status\t/);
  } finally {
    renameSync(`${bundle}-away`, bundle);
  }
});

it('start serves page and API from the package; alerts are published, measured and listed beside it', async () => {
  const [port, adminPort] = [String(await freePort()), String(await freePort())];
  const ports = { PORT: port, ADMIN_PORT: adminPort };
  const bin = join(project, 'node_modules', '.bin', 'tocsin');
  const standalone = spawn(bin, ['start', '--json'], {
    cwd: project,
    env: { ...environment, ...ports },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(standalone, 'close');
  try {
    const first = (await createInterface({ input: standalone.stdout })[Symbol.asyncIterator]().next()) as {
      value: string;
    };
    const ready = JSON.parse(first.value) as { url: string; token: string };
    expect(ready).toMatchObject({ url: `http://localhost:${port}`, token: expect.stringMatching(/^ey/) });
    const page = await fetch(`http://127.0.0.1:${port}/`, { headers: { accept: 'text/html' } });
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<script')]);
    expect((await fetch(`http://127.0.0.1:${port}/docs/guide`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/docs`)).status).toBe(200);

    const published = await tocsin(
      ['publish', '--service', 'inventory', '--severity', 'urgent', 'Flour is low', '--json'],
      ports,
    );
    expect(JSON.parse(published.out)).toMatchObject({ accepted: [expect.any(String)], of: 1 });
    const measured = JSON.parse(
      (await tocsin(['bench', '--count', '20', '--rate', '50', '--json'], ports)).out,
    ) as object;
    const times = expect.objectContaining({ p50: expect.any(Number), longest: expect.any(Number) });
    expect(measured).toEqual({ published: 20, arrived: 20, missing: 0, accepted_ms: times, arrived_ms: times });
    const listed = async (status: string) =>
      (await tocsin(['alerts', 'list', '--service', 'inventory,tocsin-bench', '--status', status], ports)).out.split(
        '\n',
      );
    expect(await listed('firing')).toEqual([expect.stringMatching(/ urgent .* Flour is low$/)]);
    expect(await listed('resolved')).toHaveLength(20);
  } finally {
    standalone.kill();
  }
  expect(await closed).toEqual([0, null]);
});
