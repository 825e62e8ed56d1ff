import { randomUUID } from 'node:crypto';
import { describeProcessDirectory, eventually } from '@tocsin/contracts/testing';
import { ProcessAnnouncements } from './process-announcements';
import { PostgresProcessDirectory } from './process-directory.postgres';
import { asOwner, freshDatabase } from './testing';

async function open() {
  const fresh = await freshDatabase();
  const database = fresh.open('tocsin_gateway');
  return {
    database,
    directory: new PostgresProcessDirectory(database),
    age: async (instance: string, hours: number) =>
      void (await asOwner(
        { url: fresh.url },
        `update tocsin.running_process set heard_at = now() - $2 * interval '1 hour' where instance = $1`,
        [instance, hours],
      )),
    close: async () => {
      await database.close();
      await fresh.drop();
    },
  };
}

describeProcessDirectory('PostgreSQL', { open });

it('those that have died leave no process out that runs, however many they are', async () => {
  const fresh = await freshDatabase();
  const database = fresh.open('tocsin_gateway');
  try {
    await asOwner(
      { url: fresh.url },
      `insert into tocsin.running_process (instance, app, version, commit, started_at, heard_at)
       select gen_random_uuid(), 'alert-processor', '1', 'c', now() - interval '1 day', now() - nth * interval '1 minute'
       from generate_series(1, 150) nth`,
    );
    const directory = new PostgresProcessDirectory(database);
    const started_at = '2026-01-01T00:00:00.000Z';
    await directory.announce({ instance: randomUUID(), app: 'notifier', version: '1', commit: 'c', started_at });
    const heard = await directory.heard();
    expect(heard).toHaveLength(100);
    expect(heard.at(-1)).toMatchObject({ app: 'notifier' });
  } finally {
    await database.close();
    await fresh.drop();
  }
});

it('a process announces itself from its start to its end, and an outage of the directory harms neither', async () => {
  const opened = await open();
  const started_at = '2026-01-01T00:00:00.000Z';
  const process = { instance: randomUUID(), app: 'notifier', version: '1', commit: 'c', started_at };
  const announcements = new ProcessAnnouncements(opened.directory, process);
  await announcements.stop();
  announcements.start();
  announcements.start();
  await eventually(async () => expect(await opened.directory.heard()).toMatchObject([{ app: 'notifier' }]));
  await announcements.stop();
  expect(await opened.directory.heard()).toEqual([]);
  announcements.start();
  await opened.close();
  await announcements.stop();
});
