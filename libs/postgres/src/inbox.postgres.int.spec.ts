import { Unavailable } from '@tocsin/contracts';
import type { ReceivedMessage } from '@tocsin/contracts/ports';
import {
  anAlert,
  describeAlertIntake,
  describeQueueDepths,
  eventually,
  ListenerByHand,
} from '@tocsin/contracts/testing';
import { describeAlertSource } from '@tocsin/messages/testing';
import { InboxSource } from './alert-source.postgres';
import { Inbox, InboxIntake, InboxRawIntake } from './inbox.postgres';
import { PostgresQueueDepths } from './queue-depths.postgres';
import { Client } from 'pg';
import { asOwner, freshDatabase } from './testing';

async function openInbox(maxWaiting?: number) {
  const fresh = await freshDatabase();
  const database = fresh.open('tocsin_standalone');
  const inbox = new Inbox(database, undefined, maxWaiting);
  const sources: InboxSource[] = [];
  return {
    url: fresh.url,
    database,
    intake: new InboxIntake(inbox),
    raw: new InboxRawIntake(inbox),
    async drain() {
      const taken = await inbox.take(100);
      await inbox.settle(taken.map(({ inbox_id }) => inbox_id));
      return taken.map(({ body }) => idOf(body));
    },
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

describeAlertSource('The inbox', { open: () => openInbox() });

describeAlertIntake('The inbox', {
  open: openInbox,
  async away() {
    const opened = await openInbox();
    await opened.database.close();
    return opened;
  },
});

describeQueueDepths('The inbox', {
  async open() {
    const opened = await openInbox();
    return { ...opened, depths: new PostgresQueueDepths(opened.database) };
  },
  includesInHand: true,
  knowsAge: true,
  isBounded: true,
});

describe('the inbox', () => {
  let opened: Awaited<ReturnType<typeof openInbox>>;
  beforeEach(async () => (opened = await openInbox()));
  afterEach(() => opened?.close());

  it('delivers an urgent message before all waiting messages', async () => {
    const rest = Array.from({ length: 1_200 }, () => anAlert({ severity: 'low' }));
    const urgent = anAlert({ severity: 'urgent' });
    await opened.intake.publish(rest);
    await opened.intake.publish([urgent]);
    const order: string[] = [];
    await (await opened.source()).consume(settle(({ body }) => void order.push(idOf(body))));
    await eventually(() => expect(order).toHaveLength(1_201));
    expect(order[0]).toBe(urgent.id);
    expect(order.slice(1)).toEqual(rest.map(({ id }) => id));
  });

  it('wakes an idle source at once, not only at its next poll', async () => {
    let arrived = 0;
    await (await opened.source()).consume(settle(() => void (arrived = Date.now())));
    for (let round = 0; round < 5; round += 1) {
      arrived = 0;
      const sent = Date.now();
      await opened.intake.publish([anAlert()]);
      await eventually(() => expect(arrived).toBeGreaterThan(0));
      expect(arrived - sent).toBeLessThan(500);
    }
  });

  it('finds a message that was committed after later ones: at once, or within a second when many came between', async () => {
    let now = 0;
    const inbox = new Inbox(opened.database, undefined, undefined, () => now);
    const intake = new InboxIntake(inbox);
    const other = new Client({ connectionString: opened.url });
    const takeAll = async () => {
      const taken = await inbox.take(2_000);
      await inbox.settle(taken.map(({ inbox_id }) => inbox_id));
      return taken.map(({ routing_key }) => routing_key);
    };
    try {
      await other.connect();
      for (const [key, between] of [
        ['late', 10],
        ['very late', 1_500],
      ] as const) {
        await other.query('begin');
        await other.query(`insert into tocsin.inbox (urgent, routing_key, body) values (false, $1, '{}')`, [key]);
        await intake.publish(Array.from({ length: between }, () => anAlert({ severity: 'low' })));
        expect(await takeAll()).toHaveLength(between);
        await other.query('commit');
        if (key === 'very late') now += 1_000;
        expect(await takeAll()).toEqual([key]);
      }
    } finally {
      await other.end();
    }
  });

  it('takes a message again that was put back, however many came behind it', async () => {
    const inbox = new Inbox(opened.database, undefined, undefined, () => 0);
    await new InboxIntake(inbox).publish(Array.from({ length: 2_000 }, () => anAlert({ severity: 'low' })));
    const [first] = await inbox.take(2_000);
    inbox.putBack([first!.inbox_id]);
    expect(await inbox.take(10)).toEqual([first]);
  });

  it('reads no more for each message while a backup runs and many were settled, or while many wait', async () => {
    const fresh = await freshDatabase();
    const one = fresh.open('tocsin_standalone', { poolSize: 1 });
    const backup = new Client({ connectionString: fresh.url });
    const inbox = new Inbox(one, undefined, undefined, () => 0);
    const intake = new InboxIntake(inbox);
    const publish = (count: number) => intake.publish(Array.from({ length: count }, () => anAlert()));
    /** What some steps read of the table and its indexes, at most. */
    const costOf = async (steps: number, step: () => Promise<unknown>) => {
      let most = 0;
      for (let at = 0, before = await readSoFar(); at < steps; at += 1) {
        await step();
        const after = await readSoFar();
        most = Math.max(most, after - before);
        before = after;
      }
      return most;
    };
    const readSoFar = async () => {
      // the statistics of a session are written when its transaction ends
      await one.call('select pg_stat_force_next_flush()');
      const [read] = await asOwner<{ rows: number }>(
        { url: fresh.url },
        `select sum(pg_stat_get_tuples_returned(name::regclass))::int as rows
         from unnest(array['tocsin.inbox', 'tocsin.inbox_order', 'tocsin.inbox_pkey']) as name`,
      );
      return read!.rows;
    };
    try {
      await backup.connect();
      await backup.query('begin isolation level repeatable read');
      await backup.query('select from tocsin.inbox');
      const settled = await costOf(30, async () => {
        await publish(100);
        const taken = await inbox.take(100);
        expect(taken).toHaveLength(100);
        await inbox.settle(taken.map(({ inbox_id }) => inbox_id));
      });
      expect(settled).toBeLessThan(1_500);
      await publish(500);
      expect(await costOf(3, () => publish(1))).toBeLessThan(100);
    } finally {
      await Promise.all([one.close(), backup.end()]);
      await fresh.drop();
    }
  });

  it('is unavailable when the database is', async () => {
    await opened.database.close();
    await expect(opened.intake.publish([anAlert()])).rejects.toBeInstanceOf(Unavailable);
    await expect((await opened.source()).consume(() => new ListenerByHand())).rejects.toBeInstanceOf(Unavailable);
  });
});

/** Acknowledges everything that is delivered. */
const settle = (onMessage: (message: ReceivedMessage) => void) => () =>
  new ListenerByHand((delivery, session) => {
    onMessage(delivery.message);
    session.acknowledge(delivery);
  });

const idOf = (body: Buffer): string => (JSON.parse(body.toString()) as { id: string }).id;
