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
