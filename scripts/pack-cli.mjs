// Packs apps/cli with the apps that it starts as the package `@tocsin/cli`: `node scripts/pack-cli.mjs [folder]` puts
// the tarball into the folder (default: here) and prints its path. It builds what is out of date first. The package has
// the bundle of the build in it and so depends on no other: it is installed without a registry, and runs what was
// tested.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { argv, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { packFolder, run } from './packing.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const home = join(root, 'apps', 'cli');

/** What of the build the command line and the standalone run. `node_modules` is the bundle of npm packages. */
const PARTS = [
  ...['alert-processor', 'cli', 'dashboard', 'gateway', 'notifier', 'standalone'].map((app) => `apps/${app}`),
  'libs',
  'node_modules',
];
/** Libraries that no app imports, and what only the machine that built it can use: code that its V8 has compiled. */
const LEFT_OUT = ['event-broker', 'fault-proxy', 'react-client', 'testing', 'packages.compiled', 'made-of'];
/** The packages that are not in the bundle, since they read files beside their own code (bundle-packages.mjs). */
const BESIDE = ['@electric-sql/pglite', 'swagger-ui-dist'];
const NOTICES = 'THIRD-PARTY-LICENSES.txt';

function inStaging(use) {
  run(root, execPath, [join('scripts', 'ready.mjs'), 'build']);
  const staging = mkdtempSync(join(tmpdir(), 'tocsin-cli-package-'));
  try {
    for (const part of PARTS) copy(join(root, 'dist', part), join(staging, 'lib', part));
    for (const name of BESIDE) copy(join(root, 'node_modules', name), join(staging, 'lib', 'node_modules', name));
    // the scripts of the page are modules, which a browser loads
    writeFileSync(join(staging, 'lib', 'apps', 'dashboard', 'package.json'), '{ "type": "module" }\n');
    writeFileSync(join(staging, 'lib', 'definitions.json'), definitions());
    mkdirSync(join(staging, 'bin'));
    for (const file of ['package.json', 'README.md', 'bin/tocsin.cjs'])
      copyFileSync(join(home, file), join(staging, file));
    copyFileSync(join(root, 'LICENSE'), join(staging, 'LICENSE'));
    writeFileSync(join(staging, NOTICES), notices());
    use(staging);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

const copy = (from, to) => cpSync(from, to, { recursive: true, filter: isPacked });

/** Not what is for the tests, for compilers, for debuggers, or for bundlers of pages. */
function isPacked(path) {
  const name = basename(path);
  if (LEFT_OUT.includes(name)) return false;
  return statSync(path).isDirectory() || !/\.map$|\.spec\.js$|\.d\.c?ts$|-es-bundle/.test(name);
}

/** What the completion reads of the commands, so that a Tab does not load all that they work with. */
function definitions() {
  const print = `
    require('reflect-metadata');
    const { COMMANDS } = require('./apps/cli/src/run-cli.js');
    process.stdout.write(JSON.stringify(COMMANDS.map(({ name, purpose, actions, options }) => ({ name, purpose, actions, options }))));`;
  return run(join(root, 'dist'), execPath, ['--eval', print]);
}

/**
 * The licences of the packages whose code is in this one: those that are installed without the tools for development,
 * and those that the page is built of.
 */
function notices() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const ofPage = packagesOfPage(packages);
  const isInside = (path, { dev, devOptional }) => ofPage.has(path) || (path !== '' && !dev && !devOptional);
  const parts = Object.entries(packages)
    .filter(([path, entry]) => isInside(path, entry) && existsSync(join(root, path)))
    .map(([path, { version, license }]) => {
      const files = readdirSync(join(root, path)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
      const texts = files.sort().map((name) => readFileSync(join(root, path, name), 'utf8').trim());
      return [`${path.split('node_modules/').at(-1)} ${version} (${license})`, ...texts].join('\n\n');
    });
  return `${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** What the sources of the page import, and what those packages depend on, as paths of the lock file. */
function packagesOfPage(packages) {
  const sources = ['apps/dashboard/src', 'libs/react-client/src'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .filter((name) => /\.tsx?$/.test(name) && !/\.spec\.|testing/.test(name))
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
  const imported = sources.flatMap((text) => [...text.matchAll(/(?:from|import) '((?:@[^/']+\/)?[^./'@][^/']*)/g)]);
  const waiting = imported.map(([, name]) => `node_modules/${name}`);
  const found = new Set();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path) || !packages[path]) continue;
    found.add(path);
    waiting.push(...Object.keys(packages[path].dependencies ?? {}).map((name) => `node_modules/${name}`));
  }
  return found;
}

packFolder({ home, made: ['lib', 'LICENSE', NOTICES], inStaging }, argv[2]);
