import { MAX_MESSAGE_BYTES } from '@tocsin/messages';
import { eventually } from '@tocsin/contracts/testing';
import { OwnBroker } from '@tocsin/rabbitmq/testing';
import type { BatchMessage, HandleBatch } from '../handle-batch';
import { lanesForTests } from './testing/lanes';

const LATE_AT_MOST_MS = 1_000;

describe('a message whose time to live ran out while no processor was there', () => {
  const { consume, stopLanes } = lanesForTests();
  let broker: OwnBroker;
  beforeEach(async () => {
    broker = await OwnBroker.open();
    await (await broker.publisher()).connect();
  });
  afterEach(async () => {
    await stopLanes();
    await broker.close();
  });

  const publish = (count: number, key: string, expiration: string, body = (n: number) => `${key} ${n}`) => {
    for (let n = 0; n < count; n += 1)
      broker.plain.publish(broker.topology.exchange, key, Buffer.from(body(n)), { expiration, headers: { n } });
    return broker.plain.waitForConfirms();
  };
  const waiting = async (queue: string) => (await broker.plain.checkQueue(queue)).messageCount;
  const collect =
    (into: BatchMessage[], at: number[] = []): HandleBatch =>
    async (batch) => {
      into.push(...batch);
      at.push(...batch.map(() => performance.now()));
      return { kind: 'settled', outcomes: batch.map(() => ({ outcome: 'stored' })) };
    };

  it.each(['1', '0'])(
    'arrives once, in batches, an urgent one before 3,000 others (expiration: %s)',
    async (expiration) => {
      await publish(3_000, 'alert.low.shop', expiration);
      await publish(1, 'alert.urgent.shop', expiration);
      await eventually(
        async () =>
          expect([
            await waiting(broker.topology.expiredQueue),
            await waiting(broker.topology.expiredUrgentQueue),
          ]).toEqual([3_000, 1]),
        30_000,
      );

      const received: BatchMessage[] = [];
      const arrivals: number[] = [];
      await consume(broker.source(), collect(received, arrivals));

      await eventually(() => expect(received).toHaveLength(3_001), 30_000);
      const urgent = received.findIndex(({ routing_key }) => routing_key === 'alert.urgent.shop');
      expect(arrivals[urgent]! - arrivals[0]!).toBeLessThan(LATE_AT_MOST_MS);
      expect(new Set(received.map(({ body }) => body.toString())).size).toBe(3_001);
      expect(received.some(({ suspect }) => suspect)).toBe(false);
      expect(
        received.every(({ routing_key, headers, body }) => body.toString() === `${routing_key} ${String(headers?.n)}`),
      ).toBe(true);
      await eventually(async () =>
        expect([await waiting(broker.topology.expiredQueue), await waiting(broker.topology.suspectsQueue)]).toEqual([
          0, 0,
        ]),
      );
    },
  );

  it('arrives once as well where an earlier release has declared the queues', async () => {
    const { expiredQueue, suspectsQueue, suspects } = broker.topology;
    await broker.plain.bindQueue(suspectsQueue, suspects, '');
    await (await broker.publisher()).connect();
    await publish(20, 'alert.low.shop', '1');
    await eventually(async () => expect(await waiting(expiredQueue)).toBe(20));
    expect(await waiting(suspectsQueue)).toBe(0);

    const received: BatchMessage[] = [];
    await consume(broker.source(), collect(received));
    await eventually(() => expect(received).toHaveLength(20));
  });

  it('is a suspect only once it came back twice, or when it is too large', async () => {
    const { expiredQueue } = broker.topology;
    await publish(1, 'alert.low.shop', '1', () => 'poison');
    await publish(1, 'alert.low.shop', '1', () => 'x'.repeat(MAX_MESSAGE_BYTES + 1));
    await eventually(async () => expect(await waiting(expiredQueue)).toBe(2));
    for (let deliveries = 0; deliveries < 2; deliveries += 1) {
      const message = await eventually(
        async () => (await broker.plain.get(expiredQueue)) || Promise.reject(new Error('empty')),
      );
      expect(message.content.toString()).toBe('poison');
      broker.plain.nack(message, false, true);
    }
    const received: BatchMessage[] = [];
    await consume(broker.source(), collect(received));
    await eventually(() => expect(received).toHaveLength(2));
    expect(received).toMatchObject([{ suspect: true, routing_key: 'alert.low.shop' }, { suspect: true }]);
  });

  it('is a suspect like any other when it was dead-lettered by a queue of its producer before', async () => {
    const headers = {
      'x-first-death-reason': 'expired',
      'x-first-death-queue': 'delays',
      'x-first-death-exchange': '',
    };
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('poison'), { headers });
    for (let deliveries = 0; deliveries < 2; deliveries += 1) {
      broker.plain.nack(
        await eventually(
          async () => (await broker.plain.get(broker.topology.queue)) || Promise.reject(new Error('empty')),
        ),
        false,
        true,
      );
    }
    const received: BatchMessage[] = [];
    await consume(broker.source(), collect(received));
    await eventually(() => expect(received).toMatchObject([{ suspect: true }]));
  });
});
