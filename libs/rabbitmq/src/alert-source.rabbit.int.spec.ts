import { Unavailable } from '@tocsin/contracts';
import { parseAlertMessage } from '@tocsin/messages';
import type { Delivery, DeliverySession, ReceivedMessage } from '@tocsin/contracts/ports';
import { describeQueueDepths, eventually, ListenerByHand } from '@tocsin/contracts/testing';
import { describeAlertSource } from '@tocsin/messages/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import type { Options } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RabbitDelivery } from './consumed-queue';
import { RabbitQueueDepths } from './queue-depths.rabbit';
import { breakChannels, queuesOf } from './testing/break-channels';
import { brokerUrl, OwnBroker } from './testing/own-broker';
import { declareTopology } from './topology';
import { topologyOf, type Topology } from './topology-names';

describeAlertSource('RabbitMQ', {
  async open() {
    const broker = await OwnBroker.open();
    return { intake: await broker.intake(), source: async () => broker.source(), close: () => broker.close() };
  },
});

describeQueueDepths('RabbitMQ', {
  async open() {
    const broker = await OwnBroker.open();
    const depths = new RabbitQueueDepths(brokerUrl(), broker.topology);
    return {
      depths,
      intake: await broker.intake(),
      source: async () => broker.source(),
      close: async () => {
        await depths.close();
        await broker.close();
      },
    };
  },
  includesInHand: false,
  knowsAge: false,
  isBounded: false,
});

test('a RabbitMQ without the queues, or that is away, does not say that they are empty', async () => {
  for (const url of [brokerUrl(), 'amqp://127.0.0.1:1']) {
    const depths = new RabbitQueueDepths(url, topologyOf('test-nowhere.'));
    await expect(depths.read()).rejects.toBeInstanceOf(Unavailable);
    await depths.close();
  }
});

describe('alerts from RabbitMQ', () => {
  let broker: OwnBroker;
  beforeEach(async () => (broker = await OwnBroker.open()));
  afterEach(() => broker.close());

  it('arrive as a Python service sends them: no properties at all, the exchange declared by the producer first', async () => {
    await broker.plain.assertExchange(broker.topology.exchange, 'topic', { durable: true });
    const received: ReceivedMessage[] = [];
    await broker.source().consume(settle(received));

    const body = Buffer.from(
      '{"item_type": "alert", "type": "low_stock", "tenant_id": "bakery", "severity": "URGENT", "timestamp": "2026-01-02T03:04:05"}',
    );
    broker.plain.publish(broker.topology.exchange, 'alert.urgent.inventory', body);

    await eventually(() => expect(received).toHaveLength(1));
    const [{ body: arrived, routing_key, message_id, timestamp }] = received as [ReceivedMessage];
    expect(arrived.equals(body)).toBe(true);
    expect({ routing_key, message_id, timestamp }).toEqual({
      routing_key: 'alert.urgent.inventory',
      message_id: undefined,
      timestamp: undefined,
    });
    expect(parseAlertMessage(arrived, { routing_key })).toMatchObject({
      ok: true,
      message: { service: 'inventory', severity: 'urgent', name: 'low_stock' },
    });
  });

  it('arrive with what the producer says in properties and headers', async () => {
    const received: ReceivedMessage[] = [];
    await broker.source().consume(settle(received));

    const properties = {
      messageId: 'm-1',
      timestamp: 1_767_322_800,
      headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    };
    broker.plain.publish(broker.topology.exchange, 'no key of ours', Buffer.from('{}'), properties);

    await eventually(() => expect(received).toHaveLength(1));
    expect(received[0]).toMatchObject({
      routing_key: 'no key of ours',
      message_id: 'm-1',
      timestamp: 1_767_322_800,
      redelivered: false,
      headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    });
  });

  it('are buried in alerts.dead unchanged, with the reason, even after that queue was deleted', async () => {
    const received: Delivery[] = [];
    const source = broker.source();
    await source.consume(settle([], (delivery) => void received.push(delivery)));
    broker.plain.publish(broker.topology.exchange, 'alert.urgent.shop', Buffer.from('not json'), { messageId: 'm-1' });
    await eventually(() => expect(received).toHaveLength(1));
    const dead = [{ delivery: received[0] as RabbitDelivery, reason: 'invalid_json', detail: 'größer' }];
    await source.bury(dead);
    const expectBuried = async () => {
      const channel = await broker.plainChannel();
      const letter = await eventually(
        async () =>
          (await channel.get(broker.topology.deadQueue, { noAck: true })) || Promise.reject(new Error('empty')),
      );
      expect([letter.content.toString(), letter.properties.messageId]).toEqual(['not json', 'm-1']);
      expect(letter.properties.headers).toMatchObject({
        reason: 'invalid_json',
        detail: 'größer',
        routing_key: 'alert.urgent.shop',
        exchange: broker.topology.exchange,
      });
    };
    await expectBuried();

    await broker.plain.deleteQueue(broker.topology.deadQueue);
    await eventually(() => source.bury(dead), 15_000);
    await expectBuried();
  });

  it('come again when their channel closed, and an acknowledgement for the old channel does no harm', async () => {
    const listeners: ListenerByHand[] = [];
    const source = broker.source();
    await source.consume(({ name }) => {
      const listener = new ListenerByHand();
      if (name === broker.topology.queue) listeners.push(listener);
      return listener;
    });
    const [listener] = listeners as [ListenerByHand];
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('first'));
    await eventually(() => expect(listener.deliveries).toHaveLength(1));
    const old = listener.session;

    await breakChannels(source);
    await eventually(() => expect(listener.deliveries).toHaveLength(2));
    expect(listener.losses).toBe(1);
    old.acknowledgeUpTo(listener.deliveries[0]!);
    expect(listener.deliveries[1]).toMatchObject({ returns: 1, message: { redelivered: true } });
    listener.session.acknowledge(listener.deliveries[1]!);
    await source.cancel();
    await source.stop();
    expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0);
  });

  /** Consumes with a listener for the common queue that settles nothing by itself. */
  const consumeByHand = async () => {
    const listener = new ListenerByHand();
    const source = broker.source({ watchEveryMs: 600_000 }); // nothing but the test looks at it
    await source.consume(({ name }) => (name === broker.topology.queue ? listener : new ListenerByHand()));
    const queue = queuesOf(source).find(({ name }) => name === broker.topology.queue)!;
    return { listener, source, queue };
  };

  it('are acknowledged together: one acknowledgement soon covers several, and the last one is sent when it stops', async () => {
    const { listener, source, queue } = await consumeByHand();
    const deliver = async (count: number) => {
      const wanted = listener.deliveries.length + count;
      for (let i = 0; i < count; i += 1)
        broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{}'));
      await eventually(() => expect(listener.deliveries).toHaveLength(wanted));
      for (const delivery of listener.deliveries.slice(-count)) listener.session.acknowledgeUpTo(delivery);
    };
    const sent = jest.spyOn(queue.channel.current!, 'ack');

    await deliver(3);
    await eventually(() => expect(sent).toHaveBeenCalledTimes(1));
    expect(sent).toHaveBeenLastCalledWith((listener.deliveries[2] as RabbitDelivery).raw, true);

    await deliver(2);
    await source.stop();
    expect(sent).toHaveBeenCalledTimes(2);
    expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0);
  });

  it('are not delivered again after a lost channel until the listener wants them', async () => {
    let want: () => void = () => undefined;
    const wanted = new Promise<void>((resolve) => (want = resolve));
    const received: ReceivedMessage[] = [];
    const listeners: ListenerByHand[] = [];
    const source = broker.source();
    await source.consume(() => {
      listeners.push(settle(received)());
      return listeners.at(-1)!;
    });
    for (const listener of listeners) listener.wanted = wanted;

    await breakChannels(source);
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{}'));
    await sleep(2_000);
    expect([received.length, source.consuming]).toEqual([0, false]);
    want();
    await eventually(() => expect(received).toHaveLength(1));
  });

  it('go on arriving after the broker closed the channel, each settled exactly once in the end', async () => {
    const source = broker.source();
    const received: ReceivedMessage[] = [];
    await source.consume(settle(received));
    await eventually(() => expect(source.consuming).toBe(true));

    await breakChannels(source);

    await eventually(() => expect(source.consuming).toBe(true));
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"after":1}'));
    broker.plain.publish(broker.topology.exchange, 'alert.urgent.shop', Buffer.from('{"after":2}'));
    await eventually(() =>
      expect(received.map(({ body }) => body.toString()).sort()).toEqual(['{"after":1}', '{"after":2}']),
    );
  });

  it('go on arriving after their queue was deleted', async () => {
    const source = broker.source();
    const received: ReceivedMessage[] = [];
    await source.consume(settle(received));

    await broker.plain.deleteQueue(broker.topology.queue);
    await broker.plain.deleteQueue(broker.topology.urgentQueue);

    await eventually(async () => {
      expect(source.consuming).toBe(true);
      const channel = await broker.plainChannel();
      expect((await channel.checkQueue(broker.topology.queue)).consumerCount).toBe(1);
      expect((await channel.checkQueue(broker.topology.urgentQueue)).consumerCount).toBe(1);
    });
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":1}'));
    broker.plain.publish(broker.topology.exchange, 'alert.urgent.shop', Buffer.from('{"a":2}'));
    await eventually(() => expect(received).toHaveLength(2));
  });

  it('arrive again after a consumer had gone deaf, which is reported', async () => {
    const source = broker.source({ watchEveryMs: 200 });
    const received: ReceivedMessage[] = [];
    await source.consume(settle(received));
    const told: boolean[] = [];
    const watching = setInterval(() => told.push(source.consuming), 20);

    // the broker forgets a consumer that still believes it is consuming
    const queue = queuesOf(source).find(({ name }) => name === broker.topology.queue)!;
    await queue.channel.current!.cancel((queue as unknown as { consumerTag: string }).consumerTag);
    expect(source.consuming).toBe(true);
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":1}'));

    await eventually(() => expect(received).toHaveLength(1), 15_000);
    await eventually(() => expect(source.consuming).toBe(true));
    clearInterval(watching);
    expect(told).toContain(false);
  });

  it('arrive although the queue was deleted and at once declared again, of which the broker does not tell', async () => {
    const source = broker.source({ watchEveryMs: 100, renewAfterMs: 1_000 });
    const received: ReceivedMessage[] = [];
    await source.consume(settle(received));
    const { queue, rest } = broker.topology;
    const declared = await declarationOf(queue, broker.topology);

    await broker.plain.deleteQueue(queue);
    await broker.plain.assertQueue(queue, declared);
    await broker.plain.bindQueue(queue, rest, '');
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":1}'));

    await eventually(() => expect(received).toHaveLength(1), 15_000);
  });

  it('can arrive at every moment while quiet consumers are made anew', async () => {
    const source = broker.source({ watchEveryMs: 20, renewAfterMs: 200 });
    const listeners: ListenerByHand[] = [];
    await source.consume(() => {
      listeners.push(new ListenerByHand());
      return listeners.at(-1)!;
    });
    const queues = queuesOf(source);
    const first = queues.map(({ channel }) => channel.current);
    const told: boolean[] = [];
    const watching = setInterval(() => told.push(source.consuming), 1);

    const consumers: number[] = [];
    await eventually(async () => {
      for (const { name } of queues) consumers.push((await broker.plain.checkQueue(name)).consumerCount);
      const renewed = queues.filter(({ channel }, at) => channel.current && channel.current !== first[at]);
      expect(renewed).toHaveLength(queues.length);
    }, 30_000);
    clearInterval(watching);
    // a check of health, the metric of a lane, and a look at the broker
    expect(told).not.toContain(false);
    expect(listeners.map(({ losses }) => losses)).toEqual(queues.map(() => 0));
    expect(Math.min(...consumers)).toBeGreaterThan(0);
  }, 60_000);

  it('can arrive while the listener wants none, however quiet their queue is', async () => {
    const source = broker.source({ watchEveryMs: 20, renewAfterMs: 200 });
    const received: ReceivedMessage[] = [];
    const listeners: ListenerByHand[] = [];
    await source.consume(() => {
      listeners.push(settle(received)());
      return listeners.at(-1)!;
    });
    let asked = 0;
    for (const listener of listeners)
      listener.untilWanted = () => {
        asked += 1;
        return new Promise(() => undefined);
      };
    const channels = () => queuesOf(source).map(({ channel }) => channel.current);
    const before = channels();

    await eventually(() => expect(asked).toBeGreaterThan(0));
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":1}'));
    broker.plain.publish(broker.topology.exchange, 'alert.urgent.shop', Buffer.from('{"a":2}'));
    await eventually(() => expect(received).toHaveLength(2));
    expect(source.consuming).toBe(true);
    expect(channels().every((channel, at) => channel !== undefined && channel === before[at])).toBe(true);
  });

  it('can arrive on queues whose consumer cannot be made anew, which keeps no other from being made anew', async () => {
    const source = broker.source({ watchEveryMs: 20, renewAfterMs: 200 });
    await source.consume(() => new ListenerByHand());
    const [stuck, ...others] = queuesOf(source);
    const first = stuck!.channel.current;
    const warned = jest.spyOn(broker.log, 'warn');
    let tried = 0;
    Object.assign(stuck!, {
      declare: () => {
        tried += 1;
        return Promise.reject(new Error('no right to declare it'));
      },
    });
    const channels = others.map(() => new Set<unknown>());
    await eventually(() => {
      others.forEach(({ channel }, at) => channel.current && channels[at]!.add(channel.current));
      expect(Math.min(tried, ...channels.map(({ size }) => size))).toBeGreaterThanOrEqual(3);
    }, 30_000);
    expect([source.consuming, stuck!.channel.current === first]).toEqual([true, true]);
    expect(warned).toHaveBeenCalledWith(
      expect.objectContaining({ queue: stuck!.name }),
      expect.stringMatching(/stays$/),
    );
    warned.mockRestore();
  }, 60_000);

  it('do not come again when their queue is acknowledged just before its consumer is made anew', async () => {
    const { listener, queue } = await consumeByHand();
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":1}'));
    await eventually(() => expect(listener.deliveries).toHaveLength(1));
    const before = queue.channel.current;
    let looks = 0;
    isIdle(listener, () => {
      // the last look before the new consumer takes over
      if ((looks += 1) === 2) listener.session.acknowledgeUpTo(listener.deliveries[0]!);
      return true;
    });
    await queue.renew();
    expect(queue.channel.current).not.toBe(before);

    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":2}'));
    await eventually(() => expect(textsOf(listener)).toContain('{"a":2}'));
    expect(textsOf(listener)).toEqual(['{"a":1}', '{"a":2}']);
  });

  it('keep their consumer when one arrives while another is made, and arrive once', async () => {
    const { listener, queue } = await consumeByHand();
    const before = queue.channel.current;
    let looks = 0;
    // idle when the new consumer is asked for, and not any more when it is there
    isIdle(listener, () => (looks += 1) === 1);
    const renewed = queue.renew();
    for (const body of ['{"a":1}', '{"a":2}'])
      broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from(body));
    await renewed;
    await eventually(() => expect(textsOf(listener).sort()).toEqual(['{"a":1}', '{"a":2}']));
    expect([queue.channel.current === before, listener.losses]).toEqual([true, 0]);
  });

  it('are reported as not arriving while the broker is silent, long before its connection ends', async () => {
    const proxy = await FaultProxy.to(brokerUrl());
    const source = broker.source({ url: proxy.via(brokerUrl()), watchEveryMs: 200 });
    await source.consume(settle([]));
    proxy.silence();
    await eventually(() => expect(source.consuming).toBe(false), 6_000);
    proxy.silence(false);
    await eventually(() => expect(source.consuming).toBe(true));
    await source.stop();
    await proxy.close();
  });

  it('cannot be consumed from a broker that is not there, which is an error within the time limit', async () => {
    const source = broker.source({ url: 'amqp://guest:guest@127.0.0.1:1', consumeTimeoutMs: 300 });
    const started = Date.now();
    await expect(source.consume(settle([]))).rejects.toMatchObject({
      name: 'Unavailable',
      role: 'queue',
      technology: 'rabbitmq',
    });
    expect(Date.now() - started).toBeLessThan(3_000);
    expect(source.consuming).toBe(false);
  });
});

const isIdle = (listener: ListenerByHand, get: () => boolean) => Object.defineProperty(listener, 'idle', { get });

const textsOf = ({ deliveries }: ListenerByHand) => deliveries.map(({ message }) => message.body.toString());

/** The options with which a queue is declared. */
async function declarationOf(queue: string, topology: Topology): Promise<Options.AssertQueue> {
  let found: Options.AssertQueue = {};
  const assertQueue = (name: string, options: Options.AssertQueue) => name === queue && (found = options);
  const others = async (): Promise<void> => undefined;
  await declareTopology(new Proxy({ assertQueue } as never, { get: (own, name) => own[name] ?? others }), topology);
  return found;
}

/** Acknowledges everything that is delivered. */
const settle =
  (into: ReceivedMessage[], onDelivery: (delivery: Delivery, session: DeliverySession) => void = acknowledge) =>
  () =>
    new ListenerByHand((delivery, session) => {
      into.push(delivery.message);
      onDelivery(delivery, session);
    });

const acknowledge = (delivery: Delivery, session: DeliverySession) => session.acknowledge(delivery);
