import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { say } from './report.mjs';
import { has, run } from './running.mjs';

const { programs, schemas } = JSON.parse(readFileSync(new URL('go-modules.json', import.meta.url), 'utf8'));
const GO = ['go', '/usr/local/go/bin/go'];

/** Where a program of go-modules.json lies once it is built: a folder for each version, shared by all checkouts. */
function builtPath(name) {
  const version = programs[name].split('@')[1];
  return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tocsin', `${name}-${version}`, name);
}

/**
 * Builds a program of go-modules.json, unless it was built before. Resolves to why not, if it cannot be had. A short
 * run builds none: one takes a minute or more of two cores.
 */
export async function buildWithGo(name) {
  if (existsSync(builtPath(name))) return undefined;
  if (env.TOCSIN_FAULTS !== 'full') return `${name} is not installed; TOCSIN_FAULTS=full npm run test:unit builds it`;
  const go = GO.find((command) => has(command, 'version'));
  if (!go) return `${name} is not installed, and Go is not there to build it`;
  say(`  … building ${programs[name]} (the first time only)`);
  const environment = { GOBIN: join(builtPath(name), '..'), GOFLAGS: '-buildvcs=false' };
  const { code } = await run([go, 'install', programs[name]], { step: 'install', capture: true, environment });
  return code === 0 && existsSync(builtPath(name)) ? undefined : `${name} is not installed and could not be built`;
}

/** Downloads the modules that hold the schemas of Kubernetes. Resolves to why not, if they cannot be had. */
export async function downloadSchemas() {
  const go = GO.find((command) => has(command, 'version'));
  if (!go) return 'Go is not there to download the schemas';
  const { code } = await run([go, 'mod', 'download', ...schemas], { step: 'install', capture: true });
  return code === 0 ? undefined : 'the schemas could not be downloaded';
}
