import type { ReceivedMessage } from '@tocsin/contracts/ports';
import { anAlert, eventually, ListenerByHand } from '@tocsin/contracts/testing';
import { describeAlertSource } from '@tocsin/messages/testing';
import { ActiveConsumer } from './active-consumer';
import { InboxSource } from './alert-source.postgres';
import { Inbox, InboxIntake } from './inbox.postgres';
import { asOwner, openBus } from './testing';

/** An inbox as several processes share it: each has a pool, a session and an `Inbox` of its own. */
async function openProcesses() {
  const opened = await openBus();
  const sources: InboxSource[] = [];
  const publisher = opened.process();
  return {
    ...opened,
    intake: new InboxIntake(new Inbox(publisher.database, publisher.session)),
    async source() {
      const { database, session } = opened.process();
      const source = new InboxSource(new Inbox(database, session), new ActiveConsumer(session));
      sources.push(source);
      return source;
    },
    async close() {
      await Promise.all(sources.map((source) => source.stop()));
      await opened.close();
    },
  };
}

describeAlertSource('The inbox between processes', { open: openProcesses });

describe('the inbox between processes', () => {
  let opened: Awaited<ReturnType<typeof openProcesses>>;
  beforeEach(async () => (opened = await openProcesses()));
  afterEach(() => opened?.close());

  const consumer = async () => {
    const source = await opened.source();
    const ids: string[] = [];
    await source.consume(settling(({ body }) => void ids.push(idOf(body))));
    return { source, ids };
  };

  it('is consumed by one of them, and a message from another process arrives without waiting for a poll', async () => {
    const [one, other] = [await consumer(), await consumer()];
    await opened.intake.publish([anAlert()]);
    await eventually(() => expect(one.ids.length + other.ids.length).toBe(1));
    const active = one.ids.length === 1 ? one : other;
    const delays: number[] = [];
    for (let round = 1; round <= 5; round += 1) {
      const since = performance.now();
      await opened.intake.publish([anAlert()]);
      await eventually(() => expect(active.ids).toHaveLength(1 + round));
      delays.push(performance.now() - since);
    }
    expect(Math.min(...delays)).toBeLessThan(500);
    expect([one.ids.length, other.ids.length].sort()).toEqual([0, 6]);
  });

  it.each(['stops', 'loses its session'] as const)(
    'is taken over when the process that consumes %s, and no message is left behind',
    async (how) => {
      const [one, other] = [await consumer(), await consumer()];
      await opened.intake.publish([anAlert()]);
      await eventually(() => expect(one.ids.length + other.ids.length).toBe(1));
      const [active, waiting] = one.ids.length === 1 ? [one, other] : [other, one];

      if (how === 'stops') await active.source.stop();
      else
        await asOwner(
          { url: opened.url },
          `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
           and database = (select oid from pg_database where datname = current_database())`,
        );
      const alerts = Array.from({ length: 20 }, () => anAlert());
      await opened.intake.publish(alerts);

      await eventually(
        () => expect([...active.ids, ...waiting.ids]).toEqual(expect.arrayContaining(alerts.map(({ id }) => id))),
        10_000,
      );
      if (how === 'stops') expect(waiting.ids).toHaveLength(20);
    },
  );
});

const idOf = (body: Buffer): string => (JSON.parse(body.toString()) as { id: string }).id;

/** Acknowledges everything that is delivered. */
const settling = (onMessage: (message: ReceivedMessage) => void) => () =>
  new ListenerByHand((delivery, session) => {
    onMessage(delivery.message);
    session.acknowledge(delivery);
  });
