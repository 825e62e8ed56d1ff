import type { AlertMessage } from '../alert-message';
import { parseAlertMessage } from '../parse-alert-message';
import type { AlertIntake, AlertSource, Delivery, SourceQueue } from '@tocsin/contracts/ports';
import { anAlert, eventually, ListenerByHand } from '@tocsin/contracts/testing';

export interface OpenAlertSource {
  intake: AlertIntake;
  /** A further consumer of the same queues, not consuming yet. `close` stops those that are left. */
  source(): Promise<AlertSource>;
  close(): Promise<void>;
}

/** How long nothing has to arrive until a test believes that nothing will. */
const QUIET_MS = 300;

/** A source that consumes, what it delivers and the means to settle it. */
class Consumer {
  readonly listeners = new Map<string, ListenerByHand>();
  readonly queues: SourceQueue[] = [];

  constructor(readonly source: AlertSource) {}

  /** `onDelivery` hears of each delivery, of every queue. */
  async consume(onDelivery?: ConstructorParameters<typeof ListenerByHand>[0]): Promise<this> {
    await this.source.consume((queue) => {
      const listener = new ListenerByHand(onDelivery);
      this.queues.push(queue);
      this.listeners.set(queue.name, listener);
      return listener;
    });
    return this;
  }

  get deliveries(): Delivery[] {
    return [...this.listeners.values()].flatMap(({ deliveries }) => deliveries);
  }

  /** Where messages that are not urgent are delivered. */
  common(): ListenerByHand {
    return this.listeners.get(this.queue('common')!.name)!;
  }

  queue(kind: SourceQueue['kind']): SourceQueue | undefined {
    return this.queues.find((queue) => queue.kind === kind);
  }
}

/**
 * What every `AlertSource`, with the `AlertIntake` of the same queue, does while nothing is broken: it delivers, and
 * does what it is told about deliveries. `open` gives a queue of its own, empty.
 */
export function describeAlertSource(name: string, { open }: { open(): Promise<OpenAlertSource> }): void {
  describe(`${name} as a source of alerts`, () => {
    let opened: OpenAlertSource;
    let intake: AlertIntake;
    beforeEach(async () => {
      opened = await open();
      intake = opened.intake;
    });
    afterEach(() => opened?.close());

    const consumer = async () => new Consumer(await opened.source());
    const low = (count: number) => Array.from({ length: count }, () => anAlert({ severity: 'low' }));
    /** What is left in the queue, once nothing more arrives. It is let go. */
    const left = async () => {
      const marker = anAlert({ severity: 'low' });
      await intake.publish([marker]);
      const last = await (await consumer()).consume((delivery, session) => session.acknowledge(delivery));
      await eventually(() => expect(last.deliveries.map(idOf)).toContain(marker.id));
      await quiet();
      await last.source.cancel();
      await last.source.stop();
      return last.deliveries.map(idOf).filter((id) => id !== marker.id);
    };

    it('confirms messages in their order and delivers them as they were', async () => {
      const messages = [
        anAlert({
          severity: 'urgent',
          title: 'Größe ≠ 🥐',
          dedup_key: 'flour',
          recipients: ['a@example.com'],
          channels: ['email'],
        }),
        anAlert({ severity: 'low', service: 'sales.eu', type: 'recommendation', metadata: { deep: [{ er: null }] } }),
      ];
      expect(await intake.publish(messages)).toEqual(messages.map(({ id }) => ({ id, outcome: 'confirmed' })));

      const consuming = await (await consumer()).consume();
      await eventually(() => expect(consuming.deliveries).toHaveLength(2));
      expect(consuming.source.consuming).toBe(true);
      const { deliveries } = consuming;
      const read = new Map(deliveries.map((delivery) => [idOf(delivery), readBack(delivery)]));
      for (const message of messages) expect(read.get(message.id)).toEqual(message);
      expect(deliveries).toMatchObject([
        { returns: 0, message: { redelivered: false } },
        { returns: 0, message: { redelivered: false } },
      ]);
    });

    it('delivers 1,000 messages to two consumers, each once', async () => {
      const messages = Array.from({ length: 1_000 }, (_, index) => anAlert({ severity: index % 3 ? 'low' : 'urgent' }));
      const [one, other] = [await consumer(), await consumer()];
      for (const consuming of [one, other])
        await consuming.consume((delivery, session) => session.acknowledge(delivery));

      for (let from = 0; from < 1_000; from += 250) await intake.publish(messages.slice(from, from + 250));

      const received = () => [...one.deliveries, ...other.deliveries].map(idOf);
      await eventually(() => expect(received().length).toBeGreaterThanOrEqual(1_000));
      expect(received().sort()).toEqual(messages.map(({ id }) => id).sort());
    });

    it('lets go what is acknowledged, up to a message or by itself, and delivers the others again when it is stopped', async () => {
      await intake.publish(low(5));
      const consuming = await (await consumer()).consume();
      await eventually(() => expect(consuming.deliveries).toHaveLength(5));
      const { source } = consuming;
      const { session, deliveries } = consuming.common();
      const [, second, third, fourth, fifth] = deliveries;
      session.acknowledgeUpTo(second!);
      session.acknowledge(fourth!);
      await source.cancel();
      expect(source.consuming).toBe(false);
      await source.stop();
      await source.stop();

      expect((await left()).sort()).toEqual([idOf(third!), idOf(fifth!)].sort());
    });

    it('acknowledges up to a message behind one that was acknowledged or given back before', async () => {
      await intake.publish(low(4));
      const consuming = await (await consumer()).consume();
      await eventually(() => expect(consuming.deliveries).toHaveLength(4));
      const { session, deliveries } = consuming.common();
      const [first, second, third, fourth] = deliveries.slice(0, 4);
      session.acknowledge(first!);
      session.giveBack(second!);
      await eventually(() => expect(deliveries).toHaveLength(5));
      session.acknowledgeUpTo(third!);
      await consuming.source.cancel();
      await consuming.source.stop();
      expect((await left()).sort()).toEqual([idOf(second!), idOf(fourth!)].sort());
    });

    it('delivers again what is given back', async () => {
      const [message] = low(1);
      await intake.publish([message!]);
      let deliveries = 0;
      const consuming = await (
        await consumer()
      ).consume((delivery, session) => {
        deliveries += 1;
        if (deliveries === 1) session.giveBack(delivery);
        else session.acknowledge(delivery);
      });
      await eventually(() => expect(consuming.deliveries.map(idOf)).toEqual([message!.id, message!.id]));
      await consuming.source.stop();
      expect(await left()).toEqual([]);
    });

    it('delivers no more than its bound before something is settled, and goes on when there is room', async () => {
      const consuming = await (await consumer()).consume();
      const { prefetch } = consuming.queue('common')!;
      for (let from = 0; from < prefetch + 50; from += 250) await intake.publish(low(250));
      const { session, deliveries } = consuming.common();
      await eventually(() => expect(deliveries).toHaveLength(prefetch));
      await quiet();
      expect(deliveries).toHaveLength(prefetch);
      session.acknowledgeUpTo(deliveries[9]!);
      await eventually(() => expect(deliveries).toHaveLength(prefetch + 10));
      await quiet();
      expect(deliveries).toHaveLength(prefetch + 10);
    });

    it('delivers nothing more once it is cancelled, and what it has delivered can still be settled', async () => {
      const messages = low(3);
      await intake.publish(messages);
      const consuming = await (await consumer()).consume();
      await eventually(() => expect(consuming.deliveries).toHaveLength(3));
      await consuming.source.cancel();
      await consuming.source.cancel();
      const later = low(1);
      await intake.publish(later);
      await quiet();
      expect(consuming.deliveries).toHaveLength(3);
      const { session, deliveries } = consuming.common();
      session.acknowledgeUpTo(deliveries[2]!);
      await consuming.source.stop();
      expect(await left()).toEqual(later.map(({ id }) => id));
    });

    it('moves what is parked to the suspects, where it has such, and buries what is dead', async () => {
      const messages = low(2);
      await intake.publish(messages);
      const consuming = await (await consumer()).consume();
      await eventually(() => expect(consuming.deliveries).toHaveLength(2));
      const { session, deliveries } = consuming.common();
      const [suspect, dead] = deliveries.slice(0, 2);
      await consuming.source.bury([{ delivery: dead!, reason: 'invalid_json', detail: 'the test says so' }]);
      session.acknowledge(dead!);
      if (!consuming.queue('common')!.parks) return;
      session.park(suspect!);
      const suspects = consuming.listeners.get(consuming.queue('suspects')!.name)!;
      await eventually(() => expect(suspects.deliveries.map(idOf)).toEqual([idOf(suspect!)]));
    });

    it('opens no session and delivers nothing until messages are wanted', async () => {
      await intake.publish(low(1));
      let want: () => void = () => undefined;
      const wanted = new Promise<void>((resolve) => (want = resolve));
      const listeners: ListenerByHand[] = [];
      const consuming = (await opened.source()).consume(() => {
        const listener = new ListenerByHand();
        listener.wanted = wanted;
        listeners.push(listener);
        return listener;
      });
      await eventually(() => expect(listeners).not.toEqual([]));
      await quiet();
      for (const { session, deliveries } of listeners) expect([session, deliveries]).toEqual([undefined, []]);
      want();
      await consuming;
      await eventually(() => expect(listeners.flatMap(({ deliveries }) => deliveries)).toHaveLength(1));
    });

    it('is stopped although messages were never wanted, or before it was told to consume', async () => {
      await intake.publish(low(1));
      const source = await opened.source();
      const listener = new ListenerByHand();
      listener.wanted = new Promise(() => {});
      const consuming = source.consume(() => listener).catch(() => undefined);
      await quiet();
      await source.stop();
      await consuming;
      expect(listener.deliveries).toEqual([]);

      const idle = await opened.source();
      await idle.cancel();
      await idle.stop();
      expect(await left()).toHaveLength(1);
    });

    it('carries the trace context of the publisher', async () => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await intake.publish([anAlert()], { traceparent });
      const consuming = await (await consumer()).consume();
      await eventually(() => expect(consuming.deliveries).toHaveLength(1));
      expect(consuming.deliveries[0]!.message.headers).toMatchObject({ traceparent });
    });

    it('takes no messages at all, and may be told twice to consume', async () => {
      expect(await intake.publish([])).toEqual([]);
      const consuming = await (await consumer()).consume();
      await consuming.consume();
      expect(new Set(consuming.queues.map(({ name }) => name)).size).toBe(consuming.queues.length);
    });
  });
}

const quiet = () => new Promise((resolve) => setTimeout(resolve, QUIET_MS));

function readBack({ message: { body, routing_key, message_id, timestamp } }: Delivery): AlertMessage {
  const parsed = parseAlertMessage(body, { routing_key, message_id, timestamp });
  if (!parsed.ok) throw new Error(`the source delivered a message that does not parse: ${parsed.code}`);
  return parsed.message;
}

const idOf = (delivery: Delivery): string => readBack(delivery).id;
