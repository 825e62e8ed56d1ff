-- Records the provider's report on a message. False means that there is no such delivery over SMS or WhatsApp.
--
-- `ranks` orders the statuses: a report changes nothing after one with the same or a higher rank. Any report means that
-- the provider has accepted the message. So a report before the settlement of the attempt settles it, and the worker's
-- own settlement then changes nothing. A delivery that waits for another attempt leaves the queue. Locks are taken in
-- the order of the queue: `delivery_due` first.
--
-- A delivery that is redriven has several messages, and what is said of any but the newest changes nothing. A message
-- is known by its id, which the settlement of its attempt puts on record. A message that is not on record is taken for
-- that of the newest attempt, unless that one is known: its report may precede the settlement, or its answer was lost.
-- That it did not arrive does not end a redriven delivery that waits: the message which is sent next replaces it.
create or replace function report_delivery(
  of_tenant text, of_delivery uuid, with_id text, said text, ranks text[], why text, code text
)
returns boolean
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  at constant timestamptz(3) := date_trunc('milliseconds', clock_timestamp());
  due delivery_due;
  told delivery;
  newest delivery_attempt;
  of_attempt integer;
  is_of_earlier boolean;
begin
  perform set_config('tocsin.tenants', array[of_tenant]::text, true);
  select * into due from delivery_due d where d.tenant_id = of_tenant and d.delivery_id = of_delivery for update;
  select * into told from delivery d
  where d.tenant_id = of_tenant and d.delivery_id = of_delivery and d.channel in ('sms', 'whatsapp')
  for no key update;
  -- a separate statement, so that it sees attempts that were settled before the locks
  select * into newest from delivery_attempt e
  where e.tenant_id = of_tenant and e.delivery_id = of_delivery order by e.attempt desc limit 1;
  of_attempt := case when due.begun_at is null then newest.attempt else due.attempt end;
  is_of_earlier :=
    -- it was redriven while this report waited for the lock
    (told.status = 'pending' and due.delivery_id is null)
    or (due.begun_at is null and coalesce(newest.provider_id, with_id) <> with_id)
    -- a message that did not arrive does not replace the one that was redriven for it and waits
    or (said = 'undelivered' and told.status = 'pending' and due.begun_at is null and due.attempts_before > 0)
    -- a message that is on record was settled, so a delivery that is pending nevertheless was redriven after it
    or exists (
      select from delivery_attempt e
      where e.tenant_id = of_tenant and e.delivery_id = of_delivery and e.provider_id = with_id
        and (told.status = 'pending' or e.attempt < newest.attempt));
  if told.delivery_id is not null and not is_of_earlier
    and array_position(ranks, said) > coalesce(array_position(ranks, told.provider_status), 0) then
    if told.status = 'pending' and due.attempt > 0 then
      if due.begun_at is not null then
        insert into delivery_attempt (tenant_id, delivery_id, attempt, begun_at, ended_at, outcome)
        values (of_tenant, of_delivery, due.attempt, due.begun_at, at, 'sent') on conflict do nothing;
      end if;
      delete from delivery_due d where d.tenant_id = of_tenant and d.delivery_id = of_delivery;
      told.status := 'unknown';
      told.settled_at := at;
    end if;
    if told.status in ('sent', 'unknown', 'failed') then
      told.status := case said when 'undelivered' then 'failed' else 'sent' end;
      told.reason := case said when 'undelivered' then why end;
    end if;
    -- The id is kept where its attempt is certain. When an earlier message has no id on record, this one may be that
    -- earlier one, and keeping its id would shut out the reports on the newest.
    update delivery_attempt a set provider_id = with_id
    where a.tenant_id = of_tenant and a.delivery_id = of_delivery and a.attempt = of_attempt and a.provider_id is null
      and not exists (
        select from delivery_attempt e
        where e.tenant_id = of_tenant and e.delivery_id = of_delivery and e.attempt < of_attempt
          and e.provider_id is null
          and e.outcome in ('sent', 'unknown'));
    update delivery d set status = told.status, reason = told.reason, settled_at = told.settled_at,
      provider_status = said, provider_code = code, provider_status_at = at
    where d.tenant_id = of_tenant and d.delivery_id = of_delivery;
  end if;
  perform set_config('tocsin.tenants', outside, true);
  return told.delivery_id is not null;
end $$;

-- The alerts that a phone number was told of in the last 7 days by the entry with this number, the newest first. Each
-- has the entry with which it has rung again since, if it has.
create or replace function told_by_phone(phone text, told_seq bigint)
returns table (tenant_id text, alert_id uuid, title text, status text, rung_again double precision)
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
#variable_conflict use_column
declare
  outside text := coalesce(current_setting('tocsin.tenants', true), '');
  told json;
begin
  perform set_config('tocsin.phone', phone, true);
  told := (
    select json_agg(json_build_object('tenant_id', n.tenant_id, 'alert_id', n.alert_id, 'told_at', n.created_at))
    from (
      select d.tenant_id, d.alert_id, max(d.created_at) as created_at
      from delivery d
      where d.recipient = phone and d.seq = told_seq and d.channel in ('sms', 'whatsapp') and d.alert_id is not null
        and d.status not in ('cancelled', 'expired', 'superseded') and d.created_at > now() - interval '7 days'
      group by d.tenant_id, d.alert_id
      order by created_at desc
      limit 20
    ) n
  );
  perform set_config('tocsin.phone', '', true);
  perform set_config('tocsin.tenants',
    coalesce((select array_agg(t.tenant_id)::text from json_to_recordset(told) as t(tenant_id text)), ''), true);
  return query
  select a.tenant_id, a.alert_id, a.title, a.status, (
    select e.seq::double precision from event e
    where e.tenant_id = a.tenant_id and e.alert_id = a.alert_id and e.seq > told_seq and e.previous_status is not null
      and e.rings
    order by e.seq desc limit 1)
  from json_to_recordset(told) as t(tenant_id text, alert_id uuid, told_at timestamptz)
  cross join lateral (select * from alert where tenant_id = t.tenant_id and alert_id = t.alert_id limit 1) a
  order by t.told_at desc, t.tenant_id;
  perform set_config('tocsin.tenants', outside, true);
end $$;

alter function report_delivery owner to tocsin_definer;
alter function told_by_phone owner to tocsin_definer;
revoke all on function report_delivery, told_by_phone from public;
grant execute on function report_delivery, told_by_phone to tocsin_gateway;
