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
import { freshDatabase } from './testing';

async function openInbox(maxWaiting?: number) {
  const fresh = await freshDatabase();
  const database = fresh.open('tocsin_standalone');
  const inbox = new Inbox(database, undefined, maxWaiting);
  const sources: InboxSource[] = [];
  return {
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
