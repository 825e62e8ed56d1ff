import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './running.mjs';

/** Brings services up, takes them down, and installs what tests want beside us. */
export const SERVICES = join(root, 'infrastructure', 'local', 'services.sh');
const STARTED_FILE = join(root, '.tocsin', 'services', 'started');

let startedByUs = false;

/** What tests are told of the services. NATS has an address or a reason why its tests are skipped. */
const VARIABLES = ['DATABASE_URL', 'REDIS_URL', 'RABBITMQ_URL', 'NATS_URL', 'SKIP_NATS'];

/** Resolves to the tests' URLs. Rejects when PostgreSQL, Redis or RabbitMQ did not come up. */
export async function servicesUp() {
  const before = existsSync(STARTED_FILE);
  const { code } = await run([SERVICES, 'up'], { step: 'install' });
  startedByUs = !before && existsSync(STARTED_FILE);
  if (code !== 0) throw new Error('the services did not come up');
  const { stdout: exports } = spawnSync(SERVICES, ['env'], { encoding: 'utf8' });
  // The lines are shell: a shell reads them.
  const print = 'unset "${@:2}"; eval "$1"; for name in "${@:2}"; do printf "%s=%s\\0" "$name" "${!name-}"; done';
  const { stdout } = spawnSync('bash', ['-c', print, 'bash', exports, ...VARIABLES], { encoding: 'utf8' });
  const said = stdout.split('\0').filter(Boolean);
  return Object.fromEntries(said.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** Ends the services that `servicesUp` started. May be called twice. */
export function servicesDown() {
  if (startedByUs) spawnSync(SERVICES, ['down'], { stdio: ['ignore', 'inherit', 'inherit'] });
  startedByUs = false;
}
