// The two shapes of the log that are compared: the table of the migrations, and a prototype with partitions by time.
import { DAYS } from './load.mjs';

/**
 * Puts an empty table in the place of `event`, with a partition for every `each` days. The key has to have the column
 * that it is partitioned by. `migrate` must follow, which makes the views and functions anew.
 */
async function partition(owner, each) {
  await owner.query(`
    do $$ declare v record; begin
      for v in select oid::regprocedure as name from pg_proc
        where pronamespace = 'tocsin'::regnamespace order by prokind <> 'a' loop
        execute format('drop routine %s', v.name);
      end loop;
      for v in select oid::regclass as name from pg_class
        where relnamespace = 'tocsin'::regnamespace and relkind = 'v' order by oid desc loop
        execute format('drop view %s', v.name);
      end loop;
    end $$`);
  await owner.query(`
    alter table tocsin.event rename to event_before;
    create table tocsin.event (like tocsin.event_before including defaults) partition by range (received_at);
    drop table tocsin.event_before;
    alter table tocsin.event add primary key (tenant_id, seq, received_at);
    create index event_of_alert on tocsin.event (tenant_id, alert_id, seq) where previous_status is not null;
    alter table tocsin.event enable row level security, force row level security;
    create policy tenant on tocsin.event using (
      tenant_id in (select unnest(nullif(current_setting('tocsin.tenants', true), '')::text[])));
    grant select, insert, delete on tocsin.event to tocsin_definer;
    grant select on tocsin.event to tocsin_gateway`);
  for (let day = -DAYS - 1; day <= 2; day += each)
    await owner.query(`
      do $$ begin execute format('create table tocsin.event_%s partition of tocsin.event for values from (%L) to (%L)',
        to_char(current_date + ${day}, 'YYYYMMDD'), current_date + ${day}, current_date + ${day + each}); end $$`);
  await owner.query('create table tocsin.event_other partition of tocsin.event default');
}

export const SHAPES = {
  plain: async () => undefined,
  partitioned: async (owner, migrate, each) => {
    await partition(owner, each);
    await migrate();
  },
};
