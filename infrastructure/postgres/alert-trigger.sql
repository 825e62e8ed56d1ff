-- Makes an alert of each row that an application writes into a table of its own, in the transaction that writes it.
--
-- Run this file once in the application's database, in the schema of the outbox (alert_outbox, libs/publisher). Then
-- name the columns, as pairs of a field of the message and the column that it is taken from; what begins with = is a
-- text of its own:
--
--   create trigger becomes_alert after insert on stock_warning for each row execute function alert_from_row(
--     'tenant_id', 'shop_id', 'service', '=inventory', 'severity', 'level', 'id', 'warning_no', 'title', 'text');
--
-- Needed are tenant_id, service, severity, and an id if the same row may be written twice: without it each row has a
-- new one. The role that writes into the table needs INSERT on alert_outbox. A row is never refused for what it holds:
-- what cannot be published stays in the outbox, and its column failure says why. A column that does not exist is a
-- warning.

create or replace function alert_from_row() returns trigger language plpgsql set search_path from current as $$
declare
  row_fields constant jsonb := to_jsonb(new);
  alert jsonb := '{}';
  field text;
  source text;
  value jsonb;
begin
  for at in 0 .. tg_nargs - 2 by 2 loop
    field := tg_argv[at];
    source := tg_argv[at + 1];
    if source like '=%' then
      value := to_jsonb(substr(source, 2));
    else
      value := row_fields -> source;
      if value is null then
        raise warning 'table % has no column %: the alert goes without its %', tg_table_name, source, field;
      end if;
      -- keys of rows are often numbers, and those of messages are texts
      if jsonb_typeof(value) = 'number' and field <> 'occurred_at' then
        value := to_jsonb(row_fields ->> source);
      end if;
    end if;
    if jsonb_typeof(value) <> 'null' then
      alert := alert || jsonb_build_object(field, value);
    end if;
  end loop;

  if not alert ? 'id' then
    alert := alert || jsonb_build_object('id', gen_random_uuid());
  end if;
  insert into alert_outbox (id, alert) values (alert ->> 'id', alert::json);
  return null;
end
$$;
