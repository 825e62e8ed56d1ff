import { Unavailable } from '@tocsin/contracts';
import { anAlert, eventually } from '@tocsin/contracts/testing';
import { describeAlertQueue } from '@tocsin/messages/testing';
import { Database } from './database';
import { Inbox, InboxIntake, InboxSource } from './inbox.postgres';
import { freshDatabase } from './testing';

async function openInbox() {
  const fresh = await freshDatabase();
  const database = new Database({ connection: { url: fresh.url }, role: 'tocsin_standalone' });
  const inbox = new Inbox(database);
  const sources: InboxSource[] = [];
  return {
    database,
    intake: new InboxIntake(inbox),
    async source() {
      const source = new InboxSource(inbox);
      sources.push(source);
      return source;
    },
    async close() {
      await Promise.all(sources.map((source) => source.stop()));
      await database.close();
      await fresh.drop();
    },
  };
}

describeAlertQueue('The inbox', { open: openInbox });

describe('the inbox', () => {
  let opened: Awaited<ReturnType<typeof openInbox>>;
  beforeEach(async () => (opened = await openInbox()));
  afterEach(() => opened?.close());

  it('hands an urgent message over before all that waits', async () => {
    const rest = Array.from({ length: 1_200 }, () => anAlert({ severity: 'low' }));
    const urgent = anAlert({ severity: 'urgent' });
    await opened.intake.publish(rest);
    await opened.intake.publish([urgent]);
    const order: string[] = [];
    await (
      await opened.source()
    ).consume(async (batch) => {
      order.push(...batch.map(({ body }) => (JSON.parse(body.toString()) as { id: string }).id));
      return { kind: 'settled', outcomes: batch.map(() => ({ outcome: 'stored' })) };
    });
    await eventually(() => expect(order).toHaveLength(1_201));
    expect(order[0]).toBe(urgent.id);
    expect(order.slice(1)).toEqual(rest.map(({ id }) => id));
  });

  it('wakes an idle source at once, rather than at its next look', async () => {
    let arrived = 0;
    await (
      await opened.source()
    ).consume(async (batch) => {
      arrived = Date.now();
      return { kind: 'settled', outcomes: batch.map(() => ({ outcome: 'stored' })) };
    });
    for (let round = 0; round < 5; round += 1) {
      arrived = 0;
      const sent = Date.now();
      await opened.intake.publish([anAlert()]);
      await eventually(() => expect(arrived).toBeGreaterThan(0));
      expect(arrived - sent).toBeLessThan(500);
    }
  });

  it('keeps the batch of a handler that throws, and hands it over again', async () => {
    const ids: string[][] = [];
    await opened.intake.publish([anAlert(), anAlert()]);
    await (
      await opened.source()
    ).consume(async (batch) => {
      ids.push(batch.map(({ body }) => (JSON.parse(body.toString()) as { id: string }).id));
      if (ids.length < 3) throw new Error('the test says so');
      return { kind: 'settled', outcomes: batch.map(() => ({ outcome: 'stored' })) };
    });
    await eventually(() => expect(ids).toHaveLength(3));
    expect(ids[2]).toEqual(ids[0]);
  });

  it('says that it is unavailable when the database is', async () => {
    await opened.database.close();
    await expect(opened.intake.publish([anAlert()])).rejects.toBeInstanceOf(Unavailable);
    await expect(
      (await opened.source()).consume(() => Promise.reject(new Error('never called'))),
    ).rejects.toBeInstanceOf(Unavailable);
  });
});
