import { parseAlertMessage, type AlertMessage } from '@tocsin/messages';
import type { AlertIntake, ReceivedMessage } from '@tocsin/contracts/ports';
import { anAlert, eventually } from '@tocsin/contracts/testing';
import type { OpenAlertSource } from '@tocsin/messages/testing';
import type { HandleBatch } from '../../handle-batch';
import type { SourceLanes } from '../source-lanes';
import { lanesOf } from './lanes';

/** The contract of the lanes with any source while nothing fails. `open` gives an empty queue for this test alone. */
export function describeSourceLanes(name: string, { open }: { open(): Promise<OpenAlertSource> }): void {
  describe(`the lanes of ${name}`, () => {
    let opened: { lanes(): Promise<SourceLanes> } | undefined;
    let stopAll: () => Promise<void>;
    let intake: AlertIntake;
    beforeEach(async () => {
      const queue = await open();
      const all: SourceLanes[] = [];
      intake = queue.intake;
      opened = {
        lanes: async () => {
          const lanes = lanesOf(await queue.source());
          all.push(lanes);
          return lanes;
        },
      };
      stopAll = async () => {
        await Promise.all(all.map((lanes) => lanes.stop()));
        await queue.close();
      };
    });
    afterEach(() => stopAll?.());

    it('hands over 1,000 messages, each once while nothing fails', async () => {
      const messages = Array.from({ length: 1000 }, (_, index) => anAlert({ severity: index % 3 ? 'low' : 'urgent' }));
      const received: ReceivedMessage[] = [];
      await (await opened!.lanes()).consume(settle(received));
      await (await opened!.lanes()).consume(settle(received));

      for (let from = 0; from < 1000; from += 250) await intake.publish(messages.slice(from, from + 250));

      await eventually(() => expect(received.length).toBeGreaterThanOrEqual(1000));
      expect(received.map(idOf).sort()).toEqual(messages.map(({ id }) => id).sort());
    });

    it('acknowledges a settled message (stored, duplicate or dead) and never hands it over again', async () => {
      const messages = [anAlert(), anAlert(), anAlert()];
      await intake.publish(messages);
      const first = await opened!.lanes();
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

      const marker = anAlert();
      await intake.publish([marker]);
      const afterwards: ReceivedMessage[] = [];
      const second = await opened!.lanes();
      await second.consume(settle(afterwards));
      await eventually(() => expect(afterwards.map(idOf)).toContain(marker.id));
      await second.stop();
      expect(afterwards.map(idOf)).toEqual([marker.id]);
    });

    it('acknowledges a message whose outcome comes late, and hands it over again when that failed', async () => {
      const messages = [anAlert(), anAlert()];
      await intake.publish(messages);
      const handed: string[] = [];
      const first = await opened!.lanes();
      await first.consume(async (batch) => ({
        kind: 'settled',
        outcomes: batch.map((message) => {
          const id = idOf(message);
          handed.push(id);
          const failed = id === messages[0]!.id && handed.filter((one) => one === id).length === 1;
          return {
            outcome: 'late',
            result: failed ? Promise.reject(new Error('the test says so')) : Promise.resolve({ outcome: 'stored' }),
          };
        }),
      }));
      await eventually(() => expect(handed.filter((id) => id === messages[0]!.id)).toHaveLength(2), 15_000);
      await first.stop();

      const marker = anAlert();
      await intake.publish([marker]);
      const afterwards: ReceivedMessage[] = [];
      await (await opened!.lanes()).consume(settle(afterwards));
      await eventually(() => expect(afterwards.map(idOf)).toContain(marker.id));
      expect(afterwards.map(idOf)).toEqual([marker.id]);
    });

    it('hands the same messages over again after a retry', async () => {
      const messages = [anAlert(), anAlert(), anAlert()];
      await intake.publish(messages);
      const settled: ReceivedMessage[] = [];
      let refusals = 0;
      await (
        await opened!.lanes()
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

    it('leaves unsettled messages in the queue when it is stopped, for the next source', async () => {
      const message = anAlert();
      const first = await opened!.lanes();
      let seen = 0;
      await first.consume(async () => {
        seen += 1;
        return { kind: 'retry', reason: 'the test says so' };
      });
      // published only now: lanes that start during an outage consume nothing before its end, and this outage never
      // ends
      await intake.publish([message]);
      await eventually(() => expect(seen).toBeGreaterThan(0));
      await first.stop();
      await first.stop();

      const received: ReceivedMessage[] = [];
      await (await opened!.lanes()).consume(settle(received));
      await eventually(() => expect(received.map(idOf)).toEqual([message.id]));
    });

    it('waits for the batch in hand when it is stopped', async () => {
      await intake.publish([anAlert()]);
      const source = await opened!.lanes();
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
