-- An entry as it is read: all columns of `event`, with the epoch of the tenant. Functions that return entries return
-- rows of this view, so that only the migrations list the columns. `prev_fp` is the `fp` of the entry before it; only
-- the statement that appended an entry knows it.
create view entry with (security_invoker = true) as
select e.*, s.epoch, null::text as prev_fp
from event e join tenant_stream s on s.tenant_id = e.tenant_id;

grant select on entry to tocsin_gateway, tocsin_definer;
