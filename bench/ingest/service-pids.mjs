// Finds the processes of PostgreSQL, Redis and RabbitMQ to read their CPU time. A service that does not run on this
// machine, or whose /proc is not readable, is left out.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
const nameOf = (pid) => read(`/proc/${pid}/comm`).trim();

/** Resolves to pids by the service's name. */
export async function servicePids({ DATABASE_URL, REDIS_URL, RABBITMQ_URL }) {
  const found = {
    postgres: await postgresPid(DATABASE_URL),
    redis: await redisPid(REDIS_URL),
    rabbitmq: listenerOf(Number(new URL(RABBITMQ_URL).port || 5672)),
  };
  return Object.fromEntries(Object.entries(found).filter(([, pid]) => pid));
}

/** The parent of every backend. */
async function postgresPid(url) {
  const { Client } = require('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // read while connected: the connection's own backend ends with it
    const { pid } = (await client.query('select pg_backend_pid() as pid')).rows[0];
    return nameOf(pid).startsWith('postgres')
      ? Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1])
      : undefined;
  } finally {
    await client.end();
  }
}

async function redisPid(url) {
  const { Redis } = require('ioredis');
  const client = new Redis(url);
  const info = await client.info('server').finally(() => client.disconnect());
  const pid = Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  return /redis|valkey/.test(nameOf(pid)) ? pid : undefined;
}

/**
 * The process that listens on a port: the socket's inode is in the kernel's table and among the process's descriptors.
 */
function listenerOf(port) {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    read(table)
      .split('\n')
      .map((line) => line.trim().split(/\s+/)),
  );
  const inodes = new Set(
    lines
      .filter(([, local, , state]) => local?.endsWith(`:${hex}`) && state === '0A')
      .map((fields) => `socket:[${fields[9]}]`),
  );
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => descriptorsOf(pid).some((target) => inodes.has(target)));
}

function descriptorsOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
