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

  /** Ends the session of the process that consumes. */
  const endSession = () =>
    asOwner(
      { url: opened.url },
      `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
       and database = (select oid from pg_database where datname = current_database())`,
    );

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

  it('delivers in a session of its own for each turn, and gives up what it holds with the turn', async () => {
    const { database, session } = opened.process();
    const source = new InboxSource(new Inbox(database, session), new ActiveConsumer(session));
    const listener = new ListenerByHand();
    const spare = await opened.source();
    const waiting = new ListenerByHand();
    try {
      await source.consume(() => listener);
      await opened.intake.publish([anAlert()]);
      await eventually(() => expect(listener.deliveries).toHaveLength(1));
      expect([source.consuming, listener.losses]).toEqual([true, 0]);
      await spare.consume(() => waiting);
      expect([spare.consuming, waiting.session]).toEqual([false, undefined]);

      await endSession();
      await eventually(() => expect(listener.losses).toBe(1));
      // by the one or by the other
      await eventually(() => expect([...listener.deliveries.slice(1), ...waiting.deliveries]).toHaveLength(1));
      expect([source.consuming, spare.consuming].sort()).toEqual([false, true]);
    } finally {
      await source.stop();
    }
  });

  it('says what keeps its session from connecting, and is told of each attempt that failed', async () => {
    const nowhere = Object.assign(new URL(opened.url), { pathname: '/nowhere' }).toString();
    const { session } = opened.process({ url: nowhere });
    const told: boolean[] = [];
    session.watch((listening) => void told.push(listening));
    session.open();
    await eventually(() => expect(told.length).toBeGreaterThan(1));
    expect(told).not.toContain(true);
    expect(session.trouble).toMatchObject({ message: 'database "nowhere" does not exist' });
  });

  it('has a session that PostgreSQL ends about ten seconds after its machine has vanished, with the lock', async () => {
    const { session } = opened.process();
    session.open();
    const settings = () =>
      session.run<{ name: string; setting: string }>(`select name, setting from pg_settings where name like 'tcp\\_%'`);
    const set = Object.fromEntries((await eventually(settings)).map(({ name, setting }) => [name, Number(setting)]));
    expect(set).toEqual({
      tcp_keepalives_idle: 5,
      tcp_keepalives_interval: 2,
      tcp_keepalives_count: 3,
      tcp_user_timeout: 10_000,
    });
  });

  it.each(['stops', 'loses its session'] as const)(
    'is taken over when the process that consumes %s, and no message is left behind',
    async (how) => {
      const [one, other] = [await consumer(), await consumer()];
      await opened.intake.publish([anAlert()]);
      await eventually(() => expect(one.ids.length + other.ids.length).toBe(1));
      const [active, waiting] = one.ids.length === 1 ? [one, other] : [other, one];

      if (how === 'stops') await active.source.stop();
      else await endSession();
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
