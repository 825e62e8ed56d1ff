-- Who the apps of docker-compose.yml log in as: each a member of its app's role and of nothing else, and without that
-- role (NOINHERIT) able to do nothing. The owner of the tables is for `migrate` alone, which makes the roles; this
-- comes after it, and may come again. The passwords open nothing else.
do $$
declare
  login record;
begin
  for login in select * from (values ('tocsin_gateway_login', 'tocsin_gateway'), ('tocsin_processor_login', 'tocsin_processor'),
    ('tocsin_notifier_login', 'tocsin_notifier')) as l(name, role) loop
    if to_regrole(login.name) is null then
      execute format('create role %I', login.name);
    end if;
    execute format('alter role %I login noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls password %L', login.name, login.name);
    execute format('grant %I to %I', login.role, login.name);
  end loop;
end $$;
