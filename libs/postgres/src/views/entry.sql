-- An entry as it is read: all columns of `event`, with the tenant's epoch. The functions that give entries return its rows, so
-- that the columns stand in the migrations alone. `prev_fp` is the `fp` of the entry before it, which only the statement that
-- has appended an entry knows.
create view entry with (security_invoker = true) as
select e.*, s.epoch, null::text as prev_fp
from event e join tenant_stream s on s.tenant_id = e.tenant_id;

grant select on entry to tocsin_gateway, tocsin_definer;
