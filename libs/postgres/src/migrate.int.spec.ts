import { randomBytes } from 'node:crypto';
import { aPlannedEvent, aTenant } from '@tocsin/contracts/testing';
import { Database } from './database';
import { PostgresEventLog } from './event-log.postgres';
import { migrate } from './migrate';
import { asOwner, freshDatabase } from './testing';

it('ten processes may migrate an empty database at once: one does it, the others find it done', async () => {
  const fresh = await freshDatabase({ migrated: false });
  try {
    const reports = await Promise.all(Array.from({ length: 10 }, () => migrate({ connection: { url: fresh.url } })));
    const [applied, ...others] = reports.map((report) => report.applied).filter((names) => names.length > 0);
    expect(applied![0]).toBe('0001-the-log');
    expect(others).toEqual([]);
    for (const { functions } of reports) expect(functions).toContain('store-events');
    expect(await asOwner({ url: fresh.url }, 'select name from tocsin.migration')).toHaveLength(applied!.length);
  } finally {
    await fresh.drop();
  }
}, 60_000);

it('several databases of one server may be migrated at once', async () => {
  const databases = await Promise.all(Array.from({ length: 4 }, () => freshDatabase()));
  await Promise.all(databases.map(({ drop }) => drop()));
}, 60_000);

it('a function that returns something else than before is replaced, and one that is gone from the files is gone', async () => {
  const fresh = await freshDatabase();
  try {
    await asOwner(
      { url: fresh.url },
      `
      drop function tocsin.redeem_ticket;
      create function tocsin.redeem_ticket(shown text, expires timestamptz) returns integer language sql as 'select 1';
      create function tocsin.former() returns integer language sql as 'select 1'`,
    );
    await migrate({ connection: { url: fresh.url } });
    const found = `select proname, prorettype::regtype::text as returns from pg_proc where pronamespace = 'tocsin'::regnamespace and proname in ('redeem_ticket', 'former')`;
    expect(await asOwner({ url: fresh.url }, found)).toEqual([{ proname: 'redeem_ticket', returns: 'boolean' }]);
  } finally {
    await fresh.drop();
  }
}, 60_000);

it('an owner without any privilege beyond its database and its roles is enough, and the apps log in as that owner', async () => {
  const server = { url: process.env.DATABASE_URL! };
  const name = `tocsin_test_owner_${randomBytes(4).toString('hex')}`;
  const fresh = await freshDatabase({ migrated: false });
  await asOwner(server, `create role ${name} login createrole password 'owner'`);
  const url = new URL(fresh.url);
  const database = url.pathname.slice(1);
  await asOwner(server, `alter database ${database} owner to ${name}`);
  url.username = name;
  url.password = 'owner';
  const connection = { url: url.toString() };
  const processor = new Database({ connection, role: 'tocsin_processor' });
  const gateway = new Database({ connection, role: 'tocsin_gateway' });
  try {
    await migrate({ connection });
    expect((await migrate({ connection })).applied).toEqual([]);
    const tenant_id = aTenant();
    const [stored] = await new PostgresEventLog(processor).append([aPlannedEvent({ tenant_id })]);
    expect(stored!.outcome).toBe('stored');
    expect(await new PostgresEventLog(gateway).after(tenant_id, 0, 10)).toHaveLength(1);
    // the owner itself is bound by the rule too, and refused as a role of an app
    expect(await asOwner(connection, 'select from tocsin.event')).toEqual([]);
    const asTheOwner = new Database({ connection, role: name as 'tocsin_gateway' });
    await expect(asTheOwner.check()).rejects.toThrow(/owns a table/);
    await asTheOwner.close();
  } finally {
    await Promise.all([processor.close(), gateway.close()]);
    await fresh.drop();
    await asOwner(server, `drop role ${name}`);
  }
}, 60_000);
