// How a library of this repository becomes a package for others: its sources and what it shares with the server are copied into a
// folder, compiled there, and packed. Inside the repository they stay sources (docs/decisions/0012).
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process, { execPath, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** `{ library, entries, compilerOptions, rewrite?, assets? }`: entries and assets as paths in its `src`; `rewrite(text)` for each source. Prints the tarball's path. */
export function pack({ library, entries, compilerOptions, rewrite = (text) => text, assets = [] }, destination = '.') {
  const from = join(root, 'libs', library);
  /** Within the repository, so that the compiler finds the types of packages as it does for any other source. */
  mkdirSync(join(root, 'dist'), { recursive: true });
  const staging = mkdtempSync(join(root, 'dist', `${library}-`));
  const run = (command, args) => {
    const {
      status,
      stdout: output,
      stderr: complaints,
      error,
    } = spawnSync(command, args, { cwd: staging, encoding: 'utf8', shell: process.platform === 'win32' });
    if (status !== 0) throw new Error(`${args.join(' ')} failed:\n${error?.message ?? ''}${output}${complaints}`);
    return output;
  };
  try {
    const sources = readdirSync(join(from, 'src'), { recursive: true }).filter(
      (name) => /\.tsx?$/.test(name) && !/\.spec\.tsx?$|(^|[\\/])testing[\\/]/.test(name),
    );
    for (const file of sources) {
      const path = join(staging, 'src', file);
      mkdirSync(dirname(path), { recursive: true });
      let text = readFileSync(join(from, 'src', file), 'utf8');
      for (const { from, name } of SHARED) {
        const copy = relative(dirname(path), join(staging, 'src', `tocsin-${name}`)).replaceAll('\\', '/');
        text = text.replaceAll(`'@tocsin/${from}/${name}'`, `'${copy.startsWith('.') ? copy : `./${copy}`}'`);
      }
      writeFileSync(path, rewrite(text));
    }
    for (const { from, name } of SHARED)
      copyFileSync(join(root, 'libs', from, 'src', `${name}.ts`), join(staging, 'src', `tocsin-${name}.ts`));
    for (const file of ['package.json', 'README.md']) copyFileSync(join(from, file), join(staging, file));
    copyFileSync(join(root, 'LICENSE'), join(staging, 'LICENSE'));
    const {
      paths: _paths,
      types: _types,
      ...options
    } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).compilerOptions;
    const emit = { rootDir: 'src', outDir: 'lib', declaration: true, sourceMap: false, ...compilerOptions };
    writeFileSync(
      join(staging, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...options, ...emit }, files: entries.map((entry) => `src/${entry}`) }),
    );
    run(execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.json']);
    for (const asset of assets) cpSync(join(from, 'src', asset), join(staging, 'lib', asset.split('/').at(-1)));
    mkdirSync(resolve(destination), { recursive: true });
    const [{ filename }] = JSON.parse(
      run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(destination)]),
    );
    stdout.write(`${join(resolve(destination), filename)}\n`);
  } catch (error) {
    stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** What a package may take of other libraries. Its copies get a name of their own: a package may have a file of that name. */
const SHARED = [
  { from: 'contracts', name: 'wire' },
  { from: 'messages', name: 'exact-json' },
];
