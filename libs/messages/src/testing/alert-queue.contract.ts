import type { AlertIntake, AlertSource, HandleBatch, ReceivedMessage } from '@tocsin/contracts/ports';
import { anAlert, eventually } from '@tocsin/contracts/testing';
import { type AlertMessage, parseAlertMessage } from '../alert-message';

export interface OpenAlertQueue {
  intake: AlertIntake;
  /** A further consumer of the same queue, not consuming yet. `close` stops those that are left. */
  source(): Promise<AlertSource>;
  close(): Promise<void>;
}

/** What every pair of `AlertIntake` and `AlertSource` does while nothing is broken. `open` gives a queue of its own, empty. */
export function describeAlertQueue(name: string, { open }: { open(): Promise<OpenAlertQueue> }): void {
  describe(`${name} as a queue of alerts`, () => {
    let opened: OpenAlertQueue | undefined;
    let intake: AlertIntake;
    beforeEach(async () => {
      opened = await open();
      intake = opened.intake;
    });
    afterEach(() => opened?.close());

    it('confirms messages in their order and hands them over as they were', async () => {
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

      const received: ReceivedMessage[] = [];
      const source = await opened!.source();
      await source.consume(settle(received));
      expect(source.consuming).toBe(true);

      await eventually(() => expect(received).toHaveLength(2));
      const read = new Map(received.map((message) => [idOf(message), readBack(message)]));
      for (const message of messages) expect(read.get(message.id)).toEqual(message);
    });

    it('hands over 1,000 messages, each once while nothing fails', async () => {
      const messages = Array.from({ length: 1000 }, (_, index) => anAlert({ severity: index % 3 ? 'low' : 'urgent' }));
      const received: ReceivedMessage[] = [];
      await (await opened!.source()).consume(settle(received));
      await (await opened!.source()).consume(settle(received));

      for (let from = 0; from < 1000; from += 250) await intake.publish(messages.slice(from, from + 250));

      await eventually(() => expect(received.length).toBeGreaterThanOrEqual(1000));
      expect(received.map(idOf).sort()).toEqual(messages.map(({ id }) => id).sort());
    });

    it('lets a settled message go, stored, duplicate or dead, and hands it over never again', async () => {
      const messages = [anAlert(), anAlert(), anAlert()];
      await intake.publish(messages);
      const first = await opened!.source();
      const received: ReceivedMessage[] = [];
      await first.consume(async (batch) => {
        received.push(...batch);
        return {
          kind: 'settled',
          outcomes: batch.map((message) =>
            idOf(message) === messages[0]!.id
              ? { outcome: 'dead', reason: 'invalid_field' }
              : { outcome: idOf(message) === messages[1]!.id ? 'duplicate' : 'stored' },
          ),
        };
      });
      await eventually(() => expect(received).toHaveLength(3));
      await first.stop();
      expect(first.consuming).toBe(false);

      const marker = anAlert();
      await intake.publish([marker]);
      const afterwards: ReceivedMessage[] = [];
      const second = await opened!.source();
      await second.consume(settle(afterwards));
      await eventually(() => expect(afterwards.map(idOf)).toContain(marker.id));
      await second.stop();
      expect(afterwards.map(idOf)).toEqual([marker.id]);
    });

    it('carries the trace context of whoever publishes', async () => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await intake.publish([anAlert()], { traceparent });
      const received: ReceivedMessage[] = [];
      await (await opened!.source()).consume(settle(received));
      await eventually(() => expect(received).toHaveLength(1));
      expect(received[0]!.headers).toMatchObject({ traceparent });
    });

    it('lets a message go when its fate comes late, and hands it over again when that failed', async () => {
      const messages = [anAlert(), anAlert()];
      await intake.publish(messages);
      const handed: string[] = [];
      const first = await opened!.source();
      await first.consume(async (batch) => ({
        kind: 'settled',
        outcomes: batch.map((message) => {
          const id = idOf(message);
          handed.push(id);
          const failed = id === messages[0]!.id && handed.filter((one) => one === id).length === 1;
          return {
            outcome: 'late',
            fate: failed ? Promise.reject(new Error('the test says so')) : Promise.resolve({ outcome: 'stored' }),
          };
        }),
      }));
      await eventually(() => expect(handed.filter((id) => id === messages[0]!.id)).toHaveLength(2), 15_000);
      await first.stop();

      const marker = anAlert();
      await intake.publish([marker]);
      const afterwards: ReceivedMessage[] = [];
      await (await opened!.source()).consume(settle(afterwards));
      await eventually(() => expect(afterwards.map(idOf)).toContain(marker.id));
      expect(afterwards.map(idOf)).toEqual([marker.id]);
    });

    it('hands the same messages over again after a retry', async () => {
      const messages = [anAlert(), anAlert(), anAlert()];
      await intake.publish(messages);
      const settled: ReceivedMessage[] = [];
      let refusals = 0;
      await (
        await opened!.source()
      ).consume(async (batch) => {
        if (refusals < 2) {
          refusals += 1;
          return { kind: 'retry', reason: 'the test says so' };
        }
        return settle(settled)(batch);
      });

      await eventually(() => expect(new Set(settled.map(idOf)).size).toBe(3), 15_000);
      expect(refusals).toBe(2);
    });

    it('keeps what a source was stopped with, for the next one', async () => {
      const message = anAlert();
      const first = await opened!.source();
      let seen = 0;
      await first.consume(async () => {
        seen += 1;
        return { kind: 'retry', reason: 'the test says so' };
      });
      // only now: whoever begins to consume in the middle of an outage waits for its end, and this one has none
      await intake.publish([message]);
      await eventually(() => expect(seen).toBeGreaterThan(0));
      await first.stop();
      await first.stop();

      const received: ReceivedMessage[] = [];
      await (await opened!.source()).consume(settle(received));
      await eventually(() => expect(received.map(idOf)).toEqual([message.id]));
    });

    it('waits for the batch in hand when it is stopped', async () => {
      await intake.publish([anAlert()]);
      const source = await opened!.source();
      let finish: () => void = () => undefined;
      const inHand = new Promise<void>((resolve) => (finish = resolve));
      const order: string[] = [];
      await source.consume(async (batch) => {
        order.push('taken');
        await inHand;
        order.push('settled');
        return settle([])(batch);
      });
      await eventually(() => expect(order).toEqual(['taken']));

      const stopped = source.stop().then(() => order.push('stopped'));
      finish();
      await stopped;
      expect(order).toEqual(['taken', 'settled', 'stopped']);
    });

    it('takes no messages at all', async () => {
      expect(await intake.publish([])).toEqual([]);
    });
  });
}

const settle =
  (into: ReceivedMessage[]): HandleBatch =>
  async (batch) => {
    into.push(...batch);
    return { kind: 'settled', outcomes: batch.map(() => ({ outcome: 'stored' })) };
  };

function readBack({ body, routing_key, message_id, timestamp }: ReceivedMessage): AlertMessage {
  const parsed = parseAlertMessage(body, { routing_key, message_id, timestamp });
  if (!parsed.ok) throw new Error(`the queue handed over a message that does not parse: ${parsed.code}`);
  return parsed.message;
}

const idOf = (message: ReceivedMessage): string => readBack(message).id;
