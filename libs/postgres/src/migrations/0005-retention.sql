-- What old entries and old ids need to be found and deleted by: a function that runs for all tenants, in small steps.

-- Ids are forgotten by their age. Rows come in the order of time and a batch shares one, so this index grows at its right
-- end and packs equal times together: it is the cheapest that there is.
create index idempotency_age on idempotency (stored_at);

-- The functions' role may reach across tenants for what is older than a day, and for the tenants' names while it retains.
create policy old on idempotency for select to tocsin_definer using (stored_at < now() - interval '24 hours');
create policy forget on idempotency for delete to tocsin_definer using (stored_at < now() - interval '24 hours');
create policy retain on tenant_stream for select to tocsin_definer using (current_setting('tocsin.retaining', true) = 'on');
grant delete on event, idempotency, alert, delivery to tocsin_definer;

-- Deleted rows are made room again after a twentieth of a table, not after a fifth of it.
alter table event set (autovacuum_vacuum_scale_factor = 0.05);
alter table alert set (autovacuum_vacuum_scale_factor = 0.05);
alter table delivery set (autovacuum_vacuum_scale_factor = 0.05);
do $$
begin
  for partition in 0..3 loop
    execute format('alter table idempotency_%s set (autovacuum_vacuum_scale_factor = 0.05)', partition);
  end loop;
end $$;
