// Fills a database with alerts as fast as one machine can: generate_series, two sessions, unlogged tables, and indexes
// created afterwards. Queries do not notice the difference.
import { stdout } from 'node:process';

/** One of ten tenants has ten times as many alerts as each of the others. */
const HEAVY_TIMES = 10;
/** Over how many days the alerts are spread, up to now. */
const DAYS = 90;
const SESSIONS = 2;
/** Alerts of one statement. */
const CHUNK = 250_000;

/** The heavy tenants come first: `tenant-0`, `tenant-1` … The single huge tenant is `huge-0`. */
export const shareOf = (tenants) => {
  const heavy = Math.max(1, Math.floor(tenants / 10));
  return { heavy, slots: heavy * HEAVY_TIMES + (tenants - heavy) };
};

/**
 * Alert number g as SQL. Its tenant and number are computed from g, so that nothing has to be sorted. The other values
 * come from a hash of g, so that two runs are alike. Words of the message come from a list of 300, and one alert in
 * 20,000 mentions a unicorn.
 */
function alertsSql(from, to, { alerts, tenants, name }) {
  const { heavy, slots } = shareOf(tenants);
  const draw = (salt, of) => `(hashint8extended(g, ${salt}) & 1048575) % ${of}`;
  const one = (salt, values) => `(array['${values.join("', '")}'])[1 + ${draw(salt, values.length)}]`;
  return `
  select g, case when g % ${slots} < ${heavy * HEAVY_TIMES} then '${name}-' || g % ${slots} / ${HEAVY_TIMES} else '${name}-' || g % ${slots} - ${heavy * (HEAVY_TIMES - 1)} end as tenant_id,
    case when g % ${slots} < ${heavy * HEAVY_TIMES} then g / ${slots} * ${HEAVY_TIMES} + g % ${HEAVY_TIMES} + 1 else g / ${slots} + 1 end as seq,
    seen, (lpad(to_hex((extract(epoch from seen) * 1000)::bigint), 12, '0') || '7' || substr(md5(g::text), 1, 3) || '8' || substr(md5(g::text), 4, 15))::uuid as alert_id,
    ${one(
      1,
      [...'0123456789abcdefghij'].map((letter, i) =>
        i < 16 ? 'resolved' : i < 18 ? 'firing' : i < 19 ? 'acknowledged' : 'snoozed',
      ),
    )} as status,
    ${one(
      2,
      [...'0123456789abcdefghij'].map((letter, i) => (i < 1 ? 'urgent' : i < 4 ? 'high' : i < 10 ? 'medium' : 'low')),
    )} as severity,
    ${one(3, ['alert', 'alert', 'alert', 'alert', 'alert', 'alert', 'recommendation', 'notification'])} as type,
    case when ${draw(4, 5000)} = 0 then 'boiler' else 'service-' || ${draw(5, 12)} end as service,
    case when ${draw(16, 100000)} = 0 then 'meltdown' else 'name_' || ${draw(6, 50)} end as name,
    'Shelf ' || ${draw(7, 900)} || ' word' || ${draw(8, 300)} as title,
    'The word' || ${draw(9, 300)} || ' of line ' || ${draw(10, 40)} || ' needs word' || ${draw(11, 300)} || case when ${draw(12, 20000)} = 0 then ' and a Unicorn' else ' before noon' end as message,
    case when g % 2 = 0 then 'key-' || g end as dedup_key,
    case when ${draw(13, 20)} = 0 then 'user-' || ${draw(14, 20)} end as assignee,
    json_build_object('site', 'site-' || ${draw(15, 30)}, 'line', (${draw(10, 40)})::text) as labels
  from generate_series(${from}::bigint, ${to}::bigint) g
  cross join lateral (select date_trunc('milliseconds', now() - (${alerts} - g) * interval '${DAYS} days' / ${alerts}) as seen) s`;
}

const INSERT = (rows) => `
with made as materialized (${rows}), logged as (
  insert into event (tenant_id, seq, fp, event_id, alert_id, change, status, severity, type, service, name, title, message, occurrences, received_at, dedup_key,
    first_seen_at, last_seen_at, labels, actions, metadata)
  select tenant_id, seq, 'abcdefgh', g::text, alert_id, 'raised', 'firing', severity, type, service, name, title, message, 1, seen, dedup_key,
    seen, seen, labels, '[{"label":"Order","url":"https://example.com/order"}]', '{"stock":2}'
  from made
)
insert into alert (tenant_id, alert_id, service, dedup_key, type, name, title, message, status, severity, state_at, occurrences, first_seen_at, last_seen_at,
  first_seq, described_seq, last_seq, labels, assignee)
select tenant_id, alert_id, service, dedup_key, type, name, title, message, status, severity, seen, 1, seen, seen, seq, seq, seq, labels, assignee from made`;

/** Fills a migrated, empty database. `connect` opens a session of its owner. */
export async function load(connect, { alerts, tenants, huge }) {
  const started = performance.now();
  const say = (what) => stdout.write(`  ${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${what}\n`);
  const owner = await connect();
  await owner.query('set search_path = tocsin');
  const { rows: indexes } = await owner.query(
    `select c.relname as name, pg_get_indexdef(c.oid) as sql, i.indisprimary as primary, t.relname as table from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
     where t.oid in ('alert'::regclass, 'event'::regclass)`,
  );
  for (const { name, primary, table } of indexes)
    await owner.query(primary ? `alter table ${table} drop constraint ${name}` : `drop index ${name}`);
  for (const table of ['alert', 'event'])
    await owner.query(`alter table ${table} set unlogged, disable row level security`);

  const shapes = [
    { alerts, tenants, name: 'tenant' },
    { alerts: huge, tenants: 1, name: 'huge' },
  ];
  const chunks = shapes.flatMap((shape) =>
    Array.from({ length: Math.ceil(shape.alerts / CHUNK) }, (_, at) => [
      at * CHUNK,
      Math.min(shape.alerts, (at + 1) * CHUNK) - 1,
      shape,
    ]),
  );
  const all = chunks.length;
  const fill = async () => {
    const session = await connect();
    await session.query(
      `set search_path = tocsin; set synchronous_commit = off; set jit = off; set work_mem = '256MB'`,
    );
    for (let next = chunks.shift(); next; next = chunks.shift()) {
      await session.query(INSERT(alertsSql(...next)));
      if (chunks.length % 4 === 0)
        say(`${all - chunks.length} of ${all} parts of ${CHUNK.toLocaleString('en')} alerts and their entries`);
    }
    await session.end();
  };
  await Promise.all(Array.from({ length: SESSIONS }, fill));
  await owner.query(`set maintenance_work_mem = '1GB'`);
  for (const { name, sql, primary, table } of indexes) {
    await owner.query(sql);
    if (primary) await owner.query(`alter table ${table} add primary key using index ${name}`);
    say(name);
  }
  await owner.query(
    `insert into tenant_stream (tenant_id, last_seq, last_fp) select tenant_id, max(last_seq), 'abcdefgh' from alert group by tenant_id`,
  );
  await owner.query(`alter table alert enable row level security; alter table event enable row level security`);
  await owner.query('vacuum analyze alert');
  await owner.query('vacuum analyze event');
  await owner.query('vacuum analyze tenant_stream');
  const {
    rows: [size],
  } = await owner.query(
    `select pg_size_pretty(pg_total_relation_size('alert')) as alert, pg_size_pretty(pg_relation_size('alert_search')) as alert_search, pg_size_pretty(pg_total_relation_size('event')) as event`,
  );
  say(`vacuumed and analysed: ${JSON.stringify(size)}`);
  await owner.end();
  return { seconds: (performance.now() - started) / 1000, ...size };
}
