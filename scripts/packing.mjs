// Makes a package for others from a library of this repository: it copies the library's sources, and what they share
// with the server, into a folder, compiles them there, and packs the result. Inside the repository they stay sources
// (docs/decisions/0012).
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

/**
 * Packs `{ library, entries, compilerOptions, rewrite?, assets? }` and prints the tarball's path. `entries` and
 * `assets` are paths in the library's `src`; `rewrite(text)` changes each source.
 */
export function pack({ library, entries, compilerOptions, rewrite = (text) => text, assets = [] }, destination = '.') {
  const from = join(root, 'libs', library);
  /** The folder is within the repository, so that the compiler finds the types of packages as for any other source. */
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
      for (const { from, name, folder } of SHARED) {
        const face = folder ? join(`tocsin-${name}`, 'index') : `tocsin-${name}`;
        const copy = relative(dirname(path), join(staging, 'src', face)).replaceAll('\\', '/');
        text = text.replaceAll(`'@tocsin/${from}/${name}'`, `'${copy.startsWith('.') ? copy : `./${copy}`}'`);
      }
      writeFileSync(path, rewrite(text));
    }
    for (const { from, name, folder } of SHARED) {
      const of = join(root, 'libs', from, 'src');
      const files = folder ? readdirSync(join(of, name)).map((file) => join(name, file)) : [`${name}.ts`];
      for (const file of files) {
        const path = join(staging, 'src', `tocsin-${file}`);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, rewrite(readFileSync(join(of, file), 'utf8')));
      }
    }
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

/**
 * The files and folders of other libraries that a package may include. The copies get names of their own: a package may have a file
 * of the same name.
 */
const SHARED = [
  { from: 'contracts', name: 'wire', folder: true },
  { from: 'messages', name: 'exact-json' },
  { from: 'timing', name: 'back-off' },
  { from: 'timing', name: 'deadline' },
];
