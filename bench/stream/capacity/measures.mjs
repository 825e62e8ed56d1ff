// What the constants of the formula are measured by, beside `fanOut`.
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicroseconds, residentKilobytes } from '../processes.mjs';

const require = createRequire(import.meta.url);
/** As many streams compile the gateway's code, and fill its buffers, before its memory is read. */
const WARM_STREAMS = 500;
/** Sessions of PostgreSQL have planned their statements after as many. */
const WARM_BATCHES = 20;
const LARGE_BATCH = 500;

/** The memory that streams of as many users take which stay open. */
export async function holding(lab, contender, { streams, tenants }) {
  const { gen } = lab;
  const open = (count, over) => gen.ask({ act: 'open', ...contender.open, count, tenants: over });
  // of one tenant, because a gateway keeps the feed of a tenant for a while
  await open(WARM_STREAMS, 1);
  await gen.ask({ act: 'close' });
  await sleep(lab.settleMs);
  const before = residentKilobytes(contender.pid);
  const { live, failures } = await open(streams, tenants);
  if (live < streams) throw new Error(`${live} of ${streams} streams opened: ${JSON.stringify(failures)}`);
  await sleep(lab.settleMs);
  const grown_kb = residentKilobytes(contender.pid) - before;
  await gen.ask({ act: 'close' });
  return { rest_mb: before / 1024, grown_kb, rss_kb_per_connection: grown_kb / streams, connections: live };
}

/** What PostgreSQL takes for alerts that are stored in batches, one batch at a time. */
export async function storing(lab, contender, { alerts, batch, tenants }) {
  const feeder = await lab.feederOf(contender);
  const { Client } = require('pg');
  const client = new Client({ connectionString: contender.feed.databaseUrl });
  await client.connect();
  try {
    // a tenant's first alert makes its row
    await feeder.ask({ act: 'store', alerts: tenants, batch: LARGE_BATCH, tenants });
    await feeder.ask({ act: 'store', alerts: WARM_BATCHES * batch, batch, tenants });
    const before = { cpu: await cpuOfSessions(client), disk: await diskOf(client), at: performance.now() };
    await feeder.ask({ act: 'store', alerts, batch, tenants });
    const seconds = (performance.now() - before.at) / 1000;
    const cpu = cpuSince(before.cpu, await cpuOfSessions(client));
    const disk = await diskOf(client);
    return {
      alerts_per_second: alerts / seconds,
      postgres_us_per_alert: cpu / alerts,
      entry_bytes: disk.entries - before.disk.entries,
      id_bytes: disk.ids - before.disk.ids,
      entry_bytes_per_alert: (disk.entries - before.disk.entries) / alerts,
      id_bytes_per_alert: (disk.ids - before.disk.ids) / alerts,
    };
  } finally {
    await client.end();
  }
}

/**
 * The CPU time of each session of this database by its pid, in microseconds. Undefined where PostgreSQL is on another
 * machine.
 */
async function cpuOfSessions(client) {
  const { rows } = await client.query(
    'select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  try {
    return new Map(rows.map(({ pid }) => [pid, cpuMicroseconds(pid)]));
  } catch {
    return undefined;
  }
}

/** A session that has ended meanwhile was idle: the pools close those only. */
const cpuSince = (before, after) =>
  before && after ? [...after].reduce((sum, [pid, us]) => sum + us - (before.get(pid) ?? 0), 0) : NaN;

/** The bytes of tables and indexes: of entries with their alerts, and of the ids that repeats are recognised by. */
async function diskOf(client) {
  const { rows } = await client.query(`
    select coalesce(sum(pg_total_relation_size(oid)) filter (where relname in ('event', 'alert')), 0) as entries,
      coalesce(sum(pg_total_relation_size(oid)) filter (where relname like 'idempotency%'), 0) as ids
    from pg_class where relnamespace = 'tocsin'::regnamespace and relkind = 'r'`);
  return { entries: Number(rows[0].entries), ids: Number(rows[0].ids) };
}
