// One measurement in a process of its own: prepares the work, drains it, and reports to `main.mjs`.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { argv } from 'node:process';

const require = createRequire(import.meta.url);
const { contender, count, peersFolder, databaseUrl, ...options } = JSON.parse(argv[2]);

const LOOK_MS = 5;

/**
 * The server's CPU time for this database, in milliseconds, by backend; they are on this machine, or nothing is found.
 */
async function backends(client) {
  const { rows } = await client.query(
    `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  return new Map(
    rows.flatMap(({ pid }) => {
      try {
        return [[pid, Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6]];
      } catch {
        return [];
      }
    }),
  );
}

const { Client } = require('pg');
const watching = new Client({ connectionString: databaseUrl });
await watching.connect();
const { open } = await import(`./contenders/${contender}.mjs`);
const peersRequire = peersFolder && createRequire(join(peersFolder, 'package.json'));
const opened = await open({ ...options, databaseUrl, peers: (name) => peersRequire(name) });
await opened.prepare(count);
await watching.query('vacuum analyze');
await watching.query('checkpoint').catch(() => undefined);

const before = await backends(watching);
let seen = before;
// a contender may close its connections before its last moment is seen: what is missed is at most this interval's
const look = setInterval(() => void backends(watching).then((now) => (seen = new Map([...seen, ...now]))), LOOK_MS);
const cpu = process.cpuUsage();
const startedAt = performance.now();
let done = 0;
await opened.drain(count, (some) => (done += some));
const ms = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpu);
clearInterval(look);
seen = new Map([...seen, ...(await backends(watching))]);
const server = [...seen].reduce((sum, [pid, spent]) => sum + spent - (before.get(pid) ?? 0), 0);
if (done !== count) throw new Error(`${contender}: ${done} of ${count} were done`);
process.send({ ms, server, client: (user + system) / 1000 });
await opened.close();
await watching.end();
process.disconnect();
