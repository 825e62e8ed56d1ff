import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { bin, run } from '../examples/testing/empty-project';

// The packages as a stranger gets them: by the commands of their README, in a copy of the tree.

const root = join(__dirname, '..');
const PACKAGES = [
  { library: 'react-client', theirs: ['react'], maxTarball: 120_000 },
  { library: 'publisher', theirs: ['amqplib'], maxTarball: 50_000 },
  { library: 'event-broker', theirs: ['yaml'], maxTarball: 95_000 },
] as const;
const TIMEOUT_MS = 240_000;

/** The `sh` blocks of a section of a README, without their fences. */
function commandsOf(readme: string, section: string): string[] {
  const [, rest = ''] = readme.split(`\n## ${section}\n`);
  return [...rest.split('\n## ')[0]!.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!);
}
const shasum = (file: string) => createHash('sha1').update(readFileSync(file)).digest('hex');
const shell = (commands: string, cwd: string) =>
  run('sh', ['-euc', commands], {
    cwd,
    env: { ...process.env, npm_config_offline: 'true', npm_config_audit: 'false' },
  });

let folder: string;
let checkout: string;
beforeAll(() => {
  // within the tree, so that the copy finds the checkout's packages through a link
  mkdirSync(join(root, '.tocsin'), { recursive: true });
  folder = mkdtempSync(join(root, '.tocsin', 'packages-'));
  checkout = join(folder, 'checkout');
  for (const part of ['libs', 'scripts', 'LICENSE', 'tsconfig.json', 'package.json'])
    cpSync(join(root, part), join(checkout, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(PACKAGES)('$library', ({ library, theirs, maxTarball }) => {
  const home = () => join(checkout, 'libs', library);
  const project = () => join(folder, `${library}-project`);
  const packed = () => join(folder, `${library}-packed`);
  const installed = () => join(project(), 'node_modules', '@tocsin', library);
  let tarball: string;
  let before: string[];

  beforeAll(async () => {
    for (const made of [project(), packed()]) mkdirSync(made);
    before = readdirSync(home()).sort();
    const [pack, install] = commandsOf(readFileSync(join(home(), 'README.md'), 'utf8'), 'Install');
    await shell(pack!.replaceAll('/tmp', packed()), checkout);
    const [file, ...more] = readdirSync(packed());
    expect(more).toEqual([]);
    tarball = join(packed(), file!);

    // without a network, what the application has already comes from this checkout
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder, ...theirs.map((name) => bin(name))], {
      cwd: folder,
    });
    writeFileSync(join(project(), 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const tarballs = readdirSync(folder).filter(
      (name) => theirs.some((one) => name.startsWith(`${one}-`)) && name.endsWith('.tgz'),
    );
    await shell(`npm install --ignore-scripts ${tarballs.map((name) => join(folder, name)).join(' ')}`, project());
    await shell(install!.replaceAll('/tmp', packed()), project());
  }, TIMEOUT_MS);

  it(
    'npm pack in its folder makes the package that the script makes, and leaves nothing there',
    async () => {
      const { stdout } = await run(process.execPath, [join(checkout, 'scripts', `pack-${library}.mjs`), folder]);
      expect(shasum(tarball)).toBe(shasum(stdout.trim()));
      expect(readdirSync(home()).sort()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  it('what its manifest names is in it, with the licence, and nothing of the tests', () => {
    const manifest = JSON.parse(readFileSync(join(installed(), 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({ license: 'Apache-2.0', engines: { node: '>=20.19' } });
    const named = [...JSON.stringify([manifest.main, manifest.types, manifest.exports]).matchAll(/"(\.\/[^"]+)"/g)]
      .map(([, path]) => path!)
      .filter((path) => /^\.\/lib\//.test(path));
    expect(named.length).toBeGreaterThan(3);
    for (const path of ['LICENSE', 'README.md', ...named])
      expect(statSync(join(installed(), path)).size).toBeGreaterThan(0);
    const files = readdirSync(installed(), { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /spec|testing|\.(map|orig)$|(?<!\.d)\.tsx?$/.test(file))).toEqual([]);
  });

  it('it is no larger than its README says', () => {
    expect(statSync(tarball).size).toBeLessThan(maxTarball);
    expect(readFileSync(join(home(), 'README.md'), 'utf8')).toMatch(
      new RegExp(`The tarball is\\s+smaller than ${maxTarball / 1_000} KB`),
    );
  });

  it(
    'publint finds nothing to correct',
    async () => {
      const { stdout } = await run(process.execPath, [bin('publint', 'src', 'cli.js'), tarball, '--strict']).catch(
        (error: { stdout: string; stderr: string }) => ({ stdout: error.stdout + error.stderr }),
      );
      expect(stdout).toContain('All good!');
    },
    TIMEOUT_MS,
  );

  it(
    'without the packages of the checkout npm pack fails, and says what to run',
    async () => {
      const bare = join(folder, `${library}-bare`);
      for (const part of ['libs', 'scripts', 'LICENSE', 'tsconfig.json'])
        cpSync(join(root, part), join(bare, part), { recursive: true });
      const failed = await run('npm', ['pack'], { cwd: join(bare, 'libs', library) }).then(
        () => null,
        (error: { stderr: string }) => error,
      );
      expect(failed?.stderr).toContain(`Run npm ci in ${bare}`);
      expect(existsSync(join(bare, 'libs', library, 'lib'))).toBe(false);
    },
    TIMEOUT_MS,
  );
});
