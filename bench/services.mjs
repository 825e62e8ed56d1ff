// PostgreSQL, Redis and RabbitMQ for the benches.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';

export const SERVICES = join(fileURLToPath(new URL('..', import.meta.url)), 'infrastructure', 'local', 'services.sh');

/**
 * Uses the services that the environment names, else those that the script finds or starts. `down` stops the started
 * ones.
 */
export function servicesUp() {
  const named = ({ DATABASE_URL, REDIS_URL, RABBITMQ_URL }) => ({ DATABASE_URL, REDIS_URL, RABBITMQ_URL });
  if (env.DATABASE_URL && env.REDIS_URL && env.RABBITMQ_URL) return { services: named(env), down: () => undefined };
  if (spawnSync(SERVICES, ['up'], { stdio: 'inherit' }).status !== 0) throw new Error('the services did not come up');
  const lines = spawnSync('bash', ['-c', 'eval "$("$1" env)"; env', 'bash', SERVICES], {
    encoding: 'utf8',
  }).stdout.split('\n');
  const services = named(
    Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])),
  );
  return { services, down: () => spawnSync(SERVICES, ['down'], { stdio: 'inherit' }) };
}
