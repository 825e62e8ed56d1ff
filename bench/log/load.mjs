// Fills the log of a migrated, empty database as fast as one machine can: generate_series in two sessions, and the
// indexes afterwards. The rows stand in the order of time, as the processor would have stored them.
export const DAYS = 90;
const SESSIONS = 2;
/** Entries of one statement. */
const CHUNK = 250_000;
/** Of 2,000 entries in a row the huge tenant has 200, each of 90 large ones ten, and each of 900 small ones one. */
const ROUND = 2_000;
export const TENANTS = { huge: () => 'huge', large: (at) => `large-${at % 90}`, small: (at) => `small-${at % 900}` };
/** How many entries a tenant of each size has of a log. */
export const entriesOf = (rows) => ({ huge: rows / 10, large: rows / 200, small: rows / ROUND });
/** One alert in 250 is still open, and so needs its entry, however old that is. */
const OPEN_IN = 250;

/**
 * Entries `from` to `to` of `rows` as SQL. Every second entry of a tenant resolves the alert that the one before it has
 * raised. Tenant, number and time are computed from the place in the log, so that nothing is sorted.
 */
const ENTRIES = (rows, from, to) => `
  select g, tenant_id, seq, received_at, seq % 2 = 0 as is_last, (seq - 1) / 2 % ${OPEN_IN} = 0 as is_open,
    (lpad(to_hex((extract(epoch from raised_at) * 1000)::bigint), 12, '0') || '7' || substr(digest, 1, 3) || '8'
      || substr(digest, 4, 15))::uuid as alert_id,
    substr(digest, 1, 8) as fp, raised_at, 'service-' || g % 12 as service, 'name_' || g % 50 as name,
    'Shelf ' || g % 900 as title,
    'Line ' || g % 40 || ' needs word' || g % 300 || ' before noon' as message,
    case when g % 20 = 0 then 'urgent' when g % 5 = 0 then 'high' else 'low' end as severity,
    json_build_object('site', 'site-' || g % 30) as labels
  from generate_series(${from}::bigint, ${to}::bigint) g
  cross join lateral (select g / ${ROUND} as round, (g % ${ROUND})::int as slot) p
  cross join lateral (
    select case when slot < 200 then 'huge' when slot < 1100 then 'large-' || (slot - 200) / 10
        else 'small-' || slot - 1100 end as tenant_id,
      case when slot < 200 then round * 200 + slot when slot < 1100 then round * 10 + slot % 10
        else round end + 1 as seq,
      slot < 1100 as has_slots) t
  cross join lateral (
    select (select until from bench_clock) - interval '${DAYS} days' * ((${rows} - g)::float8 / ${rows}) as received_at,
      (select until from bench_clock) - interval '${DAYS} days'
        * ((${rows} - g + case when seq % 2 = 1 then 0 when has_slots then 1 else ${ROUND} end)::float8 / ${rows})
        as raised_at,
      md5(tenant_id || (seq - 1) / 2) as digest) s`;

/** Alerts are kept for the days that are measured, the first two and the last, and those that are open. */
const INSERT = (rows, from, to) => `
with made as materialized (${ENTRIES(rows, from, to)}), logged as (
  insert into tocsin.event (tenant_id, seq, fp, event_id, alert_id, change, status, severity, previous_status,
    type, service, name, title, message,
    occurrences, received_at, first_seen_at, last_seen_at, labels, actions, metadata, rings)
  select tenant_id, seq, fp, 'event-' || g, alert_id, case when is_last then 'resolved' else 'raised' end,
    case when is_last then 'resolved' else 'firing' end,
    severity, case when is_last then 'firing' end, 'alert', service, name, title, message, 1, received_at, raised_at,
    received_at, labels,
    '[{"label":"Order","url":"https://example.com/order"}]', '{"stock":2}', not is_last
  from made
)
insert into tocsin.alert (tenant_id, alert_id, service, type, name, title, message, status, severity,
  occurrences, first_seen_at, last_seen_at,
  first_seq, described_seq, last_seq, labels, resolved_at)
select tenant_id, alert_id, service, 'alert', name, title, message,
  case when is_open then 'firing' else 'resolved' end, severity, 1, raised_at,
  received_at, seq - 1, seq, seq, labels, case when not is_open then received_at end
from made where is_last
  and (is_open or g < ${Math.round((rows * 2) / DAYS)} or g > ${Math.round((rows * (DAYS - 1)) / DAYS)})`;

/** `asOwner` opens a session of the owner, and `say` tells how far it is. */
export async function load(asOwner, rows, say) {
  const owner = await asOwner();
  await owner.query(`create table bench_clock as select date_trunc('milliseconds', now()) as until`);
  await owner.query(
    'alter table tocsin.alert disable row level security; alter table tocsin.event disable row level security',
  );
  const dropped = await withoutIndexes(owner);
  const chunks = Array.from({ length: Math.ceil(rows / CHUNK) }, (_, at) => [
    at * CHUNK,
    Math.min(rows, (at + 1) * CHUNK) - 1,
  ]);
  const all = chunks.length;
  const fill = async () => {
    const session = await asOwner();
    await session.query(`set synchronous_commit = off; set jit = off`);
    for (let next = chunks.shift(); next; next = chunks.shift()) {
      await session.query(INSERT(rows, ...next));
      if (chunks.length % 20 === 0)
        say(`${all - chunks.length} of ${all} parts of ${CHUNK.toLocaleString('en')} entries`);
    }
    await session.end();
  };
  await Promise.all(Array.from({ length: SESSIONS }, fill));
  await owner.query(`set maintenance_work_mem = '1GB'`);
  for (const sql of dropped) await owner.query(sql);
  say('indexes');
  await owner.query(
    `insert into tocsin.tenant_stream (tenant_id, last_seq, last_fp)
     select tenant_id, max(seq), 'abcdefgh' from (${ENTRIES(rows, Math.max(0, rows - 2 * ROUND), rows - 1)}) newest
     group by tenant_id`,
  );
  await owner.query(
    'alter table tocsin.alert enable row level security; alter table tocsin.event enable row level security',
  );
  for (const table of ['alert', 'event', 'tenant_stream']) await owner.query(`vacuum (analyze) tocsin.${table}`);
  const [size] = (
    await owner.query(
      `select pg_size_pretty(sum(pg_relation_size(oid))) as entries,
         pg_size_pretty(sum(pg_indexes_size(oid))) as indexes
       from pg_class where oid = 'tocsin.event'::regclass
         or oid in (select inhrelid from pg_inherits where inhparent = 'tocsin.event'::regclass)`,
    )
  ).rows;
  say(`vacuumed and analysed: ${size.entries} of entries, ${size.indexes} of indexes`);
  await owner.end();
  return size;
}

/** Drops the indexes and keys of both tables, and returns the statements that make them again. */
async function withoutIndexes(owner) {
  const { rows: indexes } = await owner.query(
    `select c.relname as name, pg_get_indexdef(c.oid) as sql, t.oid::regclass as table,
       t.relkind as kind, pg_get_constraintdef(k.oid) as key
     from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
       left join pg_constraint k on k.conindid = c.oid
     where t.oid in ('tocsin.alert'::regclass, 'tocsin.event'::regclass)`,
  );
  for (const { name, key, table } of indexes)
    await owner.query(key ? `alter table ${table} drop constraint ${name}` : `drop index tocsin.${name}`);
  return indexes.map(({ name, key, table, sql }) =>
    key ? `alter table ${table} add constraint ${name} ${key}` : sql.replace(' ON ONLY ', ' ON '),
  );
}
