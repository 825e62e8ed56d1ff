-- Deliveries are found by their id first: a UUID tells rows apart in one comparison, where the tenants are compared as text
-- and decide nothing. A claim and a settlement look up each delivery three times by these keys.
alter table delivery drop constraint delivery_pkey, add primary key (delivery_id, tenant_id);
alter table delivery_due drop constraint delivery_due_pkey, add primary key (delivery_id, tenant_id);
alter table delivery_attempt drop constraint delivery_attempt_pkey, add primary key (delivery_id, tenant_id, attempt);

-- Notifiers that work at the same time update all rows of a page before PostgreSQL may clean it, so the page needs room for a
-- second version of each row: without it an update writes to every index. `delivery_due` is small and has that room. The rows
-- of `delivery` are kept for long: they get a part of it.
alter table delivery_due set (fillfactor = 50);
alter table delivery set (fillfactor = 70);
