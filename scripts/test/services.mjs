import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './running.mjs';

/** Brings services up, takes them down, and installs what tests want beside us. */
export const SERVICES = join(root, 'infrastructure', 'local', 'services.sh');
const STARTED_FILE = join(root, '.tocsin', 'services', 'started');

let startedByUs = false;

/** Resolves to the tests' URLs of PostgreSQL, Redis and RabbitMQ. Rejects when one of them did not come up. */
export async function servicesUp() {
  const before = existsSync(STARTED_FILE);
  const { code } = await run([SERVICES, 'up'], { step: 'install' });
  startedByUs = !before && existsSync(STARTED_FILE);
  if (code !== 0) throw new Error('the services did not come up');
  const { stdout: exports } = spawnSync(SERVICES, ['env'], { encoding: 'utf8' });
  // The lines are shell: a shell reads them.
  const read = spawnSync(
    'bash',
    ['-c', 'eval "$1"; printf "%s\\n%s\\n%s" "$DATABASE_URL" "$REDIS_URL" "$RABBITMQ_URL"', 'bash', exports],
    { encoding: 'utf8' },
  );
  const [DATABASE_URL, REDIS_URL, RABBITMQ_URL] = read.stdout.split('\n');
  return { DATABASE_URL, REDIS_URL, RABBITMQ_URL };
}

/** Ends the services that `servicesUp` started. May be called twice. */
export function servicesDown() {
  if (startedByUs) spawnSync(SERVICES, ['down'], { stdio: ['ignore', 'inherit', 'inherit'] });
  startedByUs = false;
}
