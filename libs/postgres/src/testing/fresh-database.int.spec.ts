import { Client } from 'pg';
import { freshDatabase } from './fresh-database';

it('a database in which two statements met in a deadlock fails its test at the end', async () => {
  const fresh = await freshDatabase({ migrated: false });
  const clients = [1, 2].map(() => new Client({ connectionString: fresh.url }));
  const [one, other] = clients as [Client, Client];
  await Promise.all(clients.map((client) => client.connect()));
  await one.query('create table row (id integer primary key); insert into row values (1), (2)');
  const lock = (client: Client, id: number) => client.query(`select from row where id = ${id} for update`);
  for (const [client, id] of [
    [one, 1],
    [other, 2],
  ] as const) {
    await client.query('begin');
    await lock(client, id);
  }
  const outcomes = await Promise.allSettled([lock(one, 2), lock(other, 1)]);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  await Promise.all(clients.map((client) => client.end()));
  await expect(fresh.drop()).rejects.toThrow(/^1 deadlocks in/);
});
