-- True the first time a ticket is shown. Each call also deletes a few expired tickets, so the table stays as small as
-- its use.
create or replace function redeem_ticket(shown text, expires timestamptz)
returns boolean
language plpgsql volatile security definer
set search_path = tocsin, pg_temp
as $$
begin
  delete from ticket_redeemed where jti in (
    select jti from ticket_redeemed where expires_at < now() - interval '1 minute'
      order by expires_at limit 20 for update skip locked
  );
  insert into ticket_redeemed (jti, expires_at) values (shown, expires) on conflict do nothing;
  return found;
end $$;

alter function redeem_ticket owner to tocsin_definer;
revoke all on function redeem_ticket from public;
grant execute on function redeem_ticket to tocsin_gateway;
