// Makes a package for others from a library of this repository: it copies the library's sources, and what they share
// with the server, into a folder, compiles them there, and packs the result. Inside the repository they stay sources
// (docs/decisions/0012). `npm pack` in the library's own folder makes the same package, through `prepack`.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import process, { execPath, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The compiler of this checkout. Without it nothing can be packed. */
const TSC = join(root, 'node_modules', 'typescript-7', 'bin', 'tsc');

/**
 * Makes the package of `{ library, entries, compilerOptions, rewrite?, assets? }`. `entries` and `assets` are paths in
 * the library's `src`; `rewrite(text)` changes each source. `argument` says what is done:
 *
 * - a folder (default: here): packs into it and prints the tarball's path. The library's own folder is not touched.
 * - `--prepack`: puts what `npm pack` needs (`lib` and the licence) into the library's folder.
 * - `--postpack`: removes that again, so that no later package has an old build in it.
 */
export const pack = (recipe, argument) =>
  packFolder(
    { home: join(root, 'libs', recipe.library), made: ['lib', 'LICENSE'], inStaging: (use) => inStaging(recipe, use) },
    argument,
  );

/**
 * The same for any folder. `home` has the manifest, `made` names what the package has beside the files of `home`, and
 * `inStaging(use)` makes the package in a folder, calls `use` with it, and removes it.
 */
export function packFolder({ home, made, inStaging }, argument = '.') {
  try {
    if (argument === '--postpack') return made.forEach((name) => rmSync(join(home, name), REMOVE));
    if (!existsSync(TSC))
      throw new Error(`Run npm ci in ${root} first: the compiler of ${basename(home)} is not installed.`);
    inStaging((staging) => {
      if (argument === '--prepack') {
        for (const name of made) {
          rmSync(join(home, name), REMOVE);
          cpSync(join(staging, name), join(home, name), { recursive: true });
        }
        return;
      }
      mkdirSync(resolve(argument), { recursive: true });
      const [{ filename }] = JSON.parse(
        run(staging, 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(argument)]),
      );
      stdout.write(`${join(resolve(argument), filename)}\n`);
    });
  } catch (error) {
    stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

const REMOVE = { recursive: true, force: true };

/** Compiles a library in a folder of its own, calls `use` with the folder, and removes it. */
function inStaging({ library, entries, compilerOptions, rewrite = (text) => text, assets = [] }, use) {
  const from = join(root, 'libs', library);
  /** The folder is within the repository, so that the compiler finds the types of packages as for any other source. */
  mkdirSync(join(root, 'dist'), { recursive: true });
  const staging = mkdtempSync(join(root, 'dist', `${library}-`));
  try {
    copySources(from, staging, rewrite);
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
    run(staging, execPath, [TSC, '-p', 'tsconfig.json']);
    for (const asset of assets) {
      const copy = join(staging, 'lib', asset.split('/').at(-1));
      cpSync(join(from, 'src', asset), copy);
      // TypeScript 6 refuses an import for its effect alone when it finds no types
      writeFileSync(`${copy}.d.ts`, 'export {};\n');
    }
    use(staging);
  } finally {
    rmSync(staging, REMOVE);
  }
}

/** Copies the library's sources, without tests, and beside them what they take of other libraries. */
function copySources(from, staging, rewrite) {
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
}

/** Runs a program and returns what it prints. Throws with everything that it said when it fails. */
export function run(cwd, command, args) {
  const {
    status,
    stdout: output,
    stderr: complaints,
    error,
  } = spawnSync(command, args, { cwd, encoding: 'utf8', shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`${args.join(' ')} failed:\n${error?.message ?? ''}${output}${complaints}`);
  return output;
}

/**
 * The files and folders of other libraries that a package may include. The copies get names of their own: a package may
 * have a file of the same name.
 */
const SHARED = [
  { from: 'contracts', name: 'wire', folder: true },
  { from: 'messages', name: 'exact-json' },
  { from: 'timing', name: 'back-off' },
  { from: 'timing', name: 'deadline' },
];
