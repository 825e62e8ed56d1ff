import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { env } from 'node:process';
import { say } from './report.mjs';
import { has, run } from './running.mjs';

const { programs, schemas, caddy } = JSON.parse(readFileSync(new URL('go-modules.json', import.meta.url), 'utf8'));
const GO = ['go', '/usr/local/go/bin/go'];

/** The version of a program of go-modules.json, without its `v`. */
export const versionOf = (name) => programs[name].split('@v')[1];

/** Where a program of go-modules.json lies once it is built: a folder for each version, shared by all checkouts. */
export function builtPath(name) {
  const cache = env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(cache, 'tocsin', `${name}-v${versionOf(name)}`, name);
}

/** Why a program cannot be started, if it was not built yet. */
export const whyNotBuilt = (name) =>
  existsSync(builtPath(name)) ? undefined : `${name} was not built from its module`;

/**
 * Builds a program of go-modules.json for a test, unless it was built before. Resolves to why not, if it cannot be had.
 * A short run builds none: one takes a minute or more of two cores.
 */
export async function buildForTest(name) {
  if (existsSync(builtPath(name)) || env.TOCSIN_FAULTS === 'full') return buildWithGo(name);
  return `${name} is not installed; TOCSIN_FAULTS=full npm run test:unit builds it`;
}

/** Builds a program of go-modules.json, unless it was built before. Resolves to why not, if it cannot be had. */
export async function buildWithGo(name) {
  if (existsSync(builtPath(name))) return undefined;
  const go = GO.find((command) => has(command, 'version'));
  if (!go) return `${name} is not installed, and Go is not there to build it`;
  say(`  … building ${programs[name]} (the first time only)`);
  const folder = join(builtPath(name), '..');
  const environment = { GOBIN: folder, GOFLAGS: '-buildvcs=false', PATH: `${dirname(go)}${delimiter}${env.PATH}` };
  const options = { step: 'install', capture: true, environment };
  // a module of Caddy becomes a program by Caddy's own builder
  const command = caddy.modules.includes(name)
    ? [go, 'run', caddy.builder, 'build', caddy.version, '--with', programs[name], '--output', builtPath(name)]
    : [go, 'install', programs[name]];
  const { code } = await run(command, options);
  return code === 0 && existsSync(builtPath(name)) ? undefined : `${name} is not installed and could not be built`;
}

/** Downloads the modules that hold the schemas of Kubernetes. Resolves to why not, if they cannot be had. */
export async function downloadSchemas() {
  const go = GO.find((command) => has(command, 'version'));
  if (!go) return 'Go is not there to download the schemas';
  const { code } = await run([go, 'mod', 'download', ...schemas], { step: 'install', capture: true });
  return code === 0 ? undefined : 'the schemas could not be downloaded';
}
