// Packs apps/cli with the apps that it starts as the package `@tocsin/cli`: `node scripts/pack-cli.mjs [folder]` puts the
// tarball into the folder (default: here) and prints its path. It builds what is out of date first. The packages that
// it imports are installed with it, in the versions of this repository's lock file.
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { argv, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { packFolder, run } from './packing.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const home = join(root, 'apps', 'cli');

/** What of the build the command line and the standalone run. */
const PARTS = [
  'apps/alert-processor',
  'apps/cli',
  'apps/dashboard',
  'apps/gateway',
  'apps/notifier',
  'apps/standalone',
];
/** Libraries that no app imports. */
const LEFT_OUT = ['event-broker', 'fault-proxy', 'react-client'];

function inStaging(use) {
  run(root, execPath, [join('scripts', 'ready.mjs'), 'build']);
  const staging = mkdtempSync(join(root, 'dist', 'cli-package-'));
  try {
    for (const part of [...PARTS, 'libs'])
      cpSync(join(root, 'dist', part), join(staging, 'lib', part), { recursive: true, filter: isPacked });
    mkdirSync(join(staging, 'bin'));
    for (const file of ['package.json', 'README.md', 'bin/tocsin.cjs'])
      copyFileSync(join(home, file), join(staging, file));
    copyFileSync(join(root, 'LICENSE'), join(staging, 'LICENSE'));
    writeFileSync(join(staging, 'npm-shrinkwrap.json'), `${JSON.stringify(shrinkwrap(), null, 2)}\n`);
    use(staging);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

const isPacked = (path) => {
  const name = basename(path);
  if (statSync(path).isDirectory()) return name !== 'testing' && !LEFT_OUT.includes(name);
  return !/\.(map|spec\.js|tsbuildinfo)$/.test(name);
};

/** The part of the lock file that an installation without the tools for development has. */
function shrinkwrap() {
  const { name, version, license, bin, dependencies, engines } = JSON.parse(
    readFileSync(join(home, 'package.json'), 'utf8'),
  );
  const { lockfileVersion, packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const needed = Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional);
  return {
    name,
    version,
    lockfileVersion,
    requires: true,
    packages: { '': { name, version, license, bin, dependencies, engines }, ...Object.fromEntries(needed) },
  };
}

packFolder({ home, made: ['lib', 'LICENSE', 'npm-shrinkwrap.json'], inStaging }, argv[2]);
