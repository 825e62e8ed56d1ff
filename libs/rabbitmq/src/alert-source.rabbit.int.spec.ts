import { parseAlertMessage } from '@tocsin/messages';
import type { BatchOutcome, HandleBatch, ReceivedMessage } from '@tocsin/contracts/ports';
import { anAlert, eventually } from '@tocsin/contracts/testing';
import { describeAlertQueue } from '@tocsin/messages/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import type { ConfirmChannel } from 'amqplib';
import { setTimeout as sleep } from 'node:timers/promises';
import { brokerUrl, OwnBroker } from './testing/own-broker';
import type { Consumer } from './watchdog';

describeAlertQueue('RabbitMQ', {
  async open() {
    const broker = await OwnBroker.open();
    return { intake: await broker.intake(), source: async () => broker.source(), close: () => broker.close() };
  },
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

  it('arrive in batches of what is there, at most 500', async () => {
    const intake = await broker.intake();
    await intake.publish(Array.from({ length: 700 }, () => anAlert({ severity: 'low' })));
    const sizes: number[] = [];
    await broker.source().consume(async (batch) => {
      sizes.push(batch.length);
      return settle([])(batch);
    });
    await eventually(() => expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(700));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
    expect(sizes.length).toBeLessThan(100);
  });

  it('arrive although the rest is stuck: an urgent one has its own lane', async () => {
    const intake = await broker.intake();
    const urgent: ReceivedMessage[] = [];
    let stuck = 0;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await broker.source().consume(async (batch) => {
      if (batch[0]!.routing_key!.startsWith('alert.urgent.')) return settle(urgent)(batch);
      stuck += batch.length;
      await released;
      return settle([])(batch);
    });
    await intake.publish(Array.from({ length: 50 }, () => anAlert({ severity: 'low' })));
    await eventually(() => expect(stuck).toBeGreaterThan(0));

    await intake.publish([anAlert({ severity: 'urgent' })]);

    await eventually(() => expect(urgent).toHaveLength(1));
    release();
  });

  it('leave to alerts.dead with the reason, as they came, and nothing else does', async () => {
    await broker.source().consume(async (batch) => ({
      kind: 'settled',
      outcomes: batch.map(({ body }) =>
        body.toString() === 'not json'
          ? { outcome: 'dead', reason: 'invalid_json', detail: 'größer' }
          : { outcome: 'stored' },
      ),
    }));
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{}'));
    broker.plain.publish(broker.topology.exchange, 'alert.urgent.shop', Buffer.from('not json'), { messageId: 'm-1' });

    const dead = await eventually(() => broker.get(broker.topology.deadQueue));
    expect(dead.content.toString()).toBe('not json');
    expect(dead.properties.messageId).toBe('m-1');
    expect(dead.properties.headers).toMatchObject({
      reason: 'invalid_json',
      detail: 'größer',
      routing_key: 'alert.urgent.shop',
      exchange: broker.topology.exchange,
    });
    await expect(broker.get(broker.topology.deadQueue)).rejects.toThrow('is empty');
  });

  it('leave to alerts.dead even when somebody deleted it', async () => {
    const source = broker.source();
    await source.consume(async (batch) => ({
      kind: 'settled',
      outcomes: batch.map(() => ({ outcome: 'dead', reason: 'invalid_json' })),
    }));
    await broker.plain.deleteQueue(broker.topology.deadQueue);

    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('not json'));

    const dead = await eventually(async () => {
      const channel = await broker.plainChannel();
      return channel
        .get(broker.topology.deadQueue, { noAck: true })
        .then((message) => message || Promise.reject(new Error('empty')));
    });
    expect(dead.content.toString()).toBe('not json');
  });

  it('are set aside and handed over alone, as they came, once they came back twice', async () => {
    const { queue, exchange } = broker.topology;
    await (await broker.publisher()).connect();
    broker.plain.publish(exchange, 'alert.low.shop', Buffer.from('poison'), {
      messageId: 'm-1',
      timestamp: 1_767_322_800,
    });
    await comeBack(broker, queue, 2);

    const received: ReceivedMessage[] = [];
    await broker.source().consume(settle(received));

    await eventually(() => expect(received).toHaveLength(1));
    expect(received[0]).toMatchObject({
      suspect: true,
      routing_key: 'alert.low.shop',
      message_id: 'm-1',
      timestamp: 1_767_322_800,
      body: Buffer.from('poison'),
    });
    await eventually(async () =>
      expect((await broker.plain.checkQueue(broker.topology.suspectsQueue)).messageCount).toBe(0),
    );
  });

  it('are given up when they ended their processor too often, twenty times in all: put on record, and among the dead', async () => {
    const { suspectsQueue, queue, deadQueue, exchange } = broker.topology;
    await (await broker.publisher()).connect();
    broker.plain.publish(exchange, 'alert.low.shop', Buffer.from('poison'));
    broker.plain.reject(await next(broker, queue), false);
    await comeBack(broker, suspectsQueue, 19);

    const received: ReceivedMessage[] = [];
    await broker.source().consume(async (batch) => {
      received.push(...batch);
      return {
        kind: 'settled',
        outcomes: batch.map(({ given_up }) =>
          given_up ? { outcome: 'dead', reason: given_up } : { outcome: 'stored' },
        ),
      };
    });

    await eventually(() =>
      expect(received).toMatchObject([{ given_up: 'delivery_limit', routing_key: 'alert.low.shop' }]),
    );
    const dead = await eventually(() => broker.get(deadQueue));
    expect(dead.content.toString()).toBe('poison');
    expect(dead.properties.headers).toMatchObject({ reason: 'delivery_limit', routing_key: 'alert.low.shop' });
  });

  it('are read while others are stored, and none leaves the queue before every earlier one is settled', async () => {
    const source = broker.source();
    const settled: string[] = [];
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await source.consume(async (batch) => {
      if (batch[0]!.body.toString() === 'slow' && !batch[0]!.redelivered) await released;
      settled.push(...batch.map(({ body, redelivered }) => `${body.toString()}${redelivered ? ' again' : ''}`));
      return settle([])(batch);
    });
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('slow'));
    await eventually(async () => expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0));
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('quick'));
    await eventually(() => expect(settled).toEqual(['quick']));

    await breakChannels(source);

    await eventually(() => expect(settled).toEqual(expect.arrayContaining(['slow again', 'quick again'])));
    release();
  });

  it('leave the queue although one among them takes long, which comes again until it has its fate', async () => {
    const source = broker.source();
    const received: string[] = [];
    let finish: (fate: { outcome: 'stored' }) => void = () => undefined;
    const fate = new Promise<{ outcome: 'stored' }>((resolve) => (finish = resolve));
    await source.consume(async (batch) => {
      received.push(...batch.map(({ body, redelivered }) => `${body.toString()}${redelivered ? ' again' : ''}`));
      return {
        kind: 'settled',
        outcomes: batch.map(({ body, redelivered }) =>
          body.toString() === 'long' && !redelivered ? { outcome: 'late', fate } : { outcome: 'stored' },
        ),
      };
    });
    for (const body of ['before', 'long', 'behind'])
      broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from(body));
    await eventually(() => expect(received).toHaveLength(3));
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('later'));
    await eventually(() => expect(received).toHaveLength(4));

    await breakChannels(source);

    await eventually(() => expect(received).toHaveLength(5));
    expect(received[4]).toBe('long again');
    finish({ outcome: 'stored' }); // too late: the channel that delivered it is gone
    await source.stop();
    expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0);
  });

  it('leave the queue although a dead one beside them cannot be put away yet', async () => {
    const proxy = await FaultProxy.to(brokerUrl());
    const source = broker.source({}, broker.publisher({ url: proxy.via(brokerUrl()) }));
    proxy.refuse();
    const received: string[] = [];
    await source.consume(async (batch) => {
      received.push(...batch.map(({ body, redelivered }) => `${body.toString()}${redelivered ? ' again' : ''}`));
      return {
        kind: 'settled',
        outcomes: batch.map(({ body }) =>
          body.toString() === 'dead' ? { outcome: 'dead', reason: 'invalid_json' } : { outcome: 'stored' },
        ),
      };
    });
    for (const body of ['alive', 'dead', 'alive too'])
      broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from(body));
    await eventually(() => expect(received).toHaveLength(3));
    await sleep(5_500); // one attempt to reach the broker ends

    await breakChannels(source);
    await eventually(() => expect(received.slice(3)).toEqual(['dead again']));

    proxy.refuse(false);
    await eventually(() => broker.get(broker.topology.deadQueue), 15_000);
    await proxy.close();
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

  it('come again when the channel closed under their batch, and the acknowledgement of the old one harms nobody', async () => {
    const source = broker.source();
    const bodies: string[] = [];
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await source.consume(async (batch) => {
      bodies.push(...batch.map(({ body, redelivered }) => `${body.toString()}${redelivered ? ' again' : ''}`));
      if (bodies.length === 1) await released;
      return settle([])(batch);
    });
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('first'));
    await eventually(() => expect(bodies).toEqual(['first']));

    await breakChannels(source);
    await eventually(() => expect(source.consuming).toBe(true));
    release();

    await eventually(() => expect(bodies).toEqual(['first', 'first again']));
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('second'));
    await eventually(() => expect(bodies).toContain('second'));
    await source.stop();
    expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0);
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

  it('go on arriving after the connection was cut, and what was in hand comes again', async () => {
    const proxy = await FaultProxy.to(brokerUrl());
    const source = broker.source({ url: proxy.via(brokerUrl()) });
    const received: ReceivedMessage[] = [];
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await source.consume(async (batch) => {
      if (batch[0]?.redelivered === false) await released;
      return settle(batch[0]?.redelivered === false ? [] : received)(batch);
    });
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":1}'));
    await eventually(async () => expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0));

    proxy.cut();

    await eventually(() => expect(received.map(({ body }) => body.toString())).toEqual(['{"a":1}']));
    await eventually(() => expect(source.consuming).toBe(true));
    release();
    await source.stop();
    await proxy.close();
    expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0);
  });

  it('count one delivery for an outage, however often the connection is lost meanwhile', async () => {
    const proxy = await FaultProxy.to(brokerUrl());
    const source = broker.source({ url: proxy.via(brokerUrl()) });
    const received: ReceivedMessage[] = [];
    let away = true;
    await source.consume(async (batch) =>
      away ? { kind: 'retry', reason: 'the test says so' } : settle(received)(batch),
    );
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":1}'));
    await eventually(async () => expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0));

    for (let cuts = 0; cuts < 5; cuts += 1) {
      await eventually(() => expect(proxy.ports.length).toBeGreaterThan(0));
      proxy.cut();
      await eventually(() => expect(proxy.ports).toHaveLength(0));
      await eventually(() => expect(source.consuming).toBe(false));
    }
    away = false;

    await eventually(() => expect(received).toHaveLength(1), 20_000);
    expect(received[0]).toMatchObject({ headers: { 'x-delivery-count': 1 } });
    expect(received[0]!.suspect).toBeUndefined();
    await source.stop();
    await proxy.close();
  });

  it('can begin to be consumed while the world is away, whichever queue finds out first, and arrive when it is back', async () => {
    const intake = await broker.intake();
    await intake.publish([anAlert({ severity: 'urgent' }), anAlert({ severity: 'low' })]);
    const received: ReceivedMessage[] = [];
    let refused = 0;
    let away = true;
    const source = broker.source({ consumeTimeoutMs: 3_000 });
    await source.consume(async (batch) => {
      if (!away) return settle(received)(batch);
      refused += 1;
      return { kind: 'retry', reason: 'the test says so' };
    });
    await eventually(() => expect(refused).toBeGreaterThan(0));
    away = false;
    await eventually(() => expect(received).toHaveLength(2));
    await eventually(() => expect(source.consuming).toBe(true));
  });

  it('arrive again when a consumer had gone deaf, which is told', async () => {
    const source = broker.source({ watchEveryMs: 200 });
    const received: ReceivedMessage[] = [];
    await source.consume(settle(received));
    const told: boolean[] = [];
    const watching = setInterval(() => told.push(source.consuming), 20);

    // the broker forgets a consumer that believes in itself
    const { lane, channel } = consumersOf(source).find((one) => one.lane.queue === broker.topology.queue)!;
    await channel.current!.cancel((lane as unknown as { consumerTag: string }).consumerTag);
    expect(source.consuming).toBe(true);
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":1}'));

    await eventually(() => expect(received).toHaveLength(1), 15_000);
    await eventually(() => expect(source.consuming).toBe(true));
    clearInterval(watching);
    expect(told).toContain(false);
  });

  it('are known not to arrive while the broker is silent, long before its connection ends', async () => {
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

  it('cannot be consumed from a broker that is not there, and it says so in time', async () => {
    const source = broker.source({ url: 'amqp://guest:guest@127.0.0.1:1', consumeTimeoutMs: 300 });
    const started = Date.now();
    await expect(source.consume(settle([]))).rejects.toMatchObject({ name: 'Unavailable', dependency: 'rabbitmq' });
    expect(Date.now() - started).toBeLessThan(3_000);
    expect(source.consuming).toBe(false);
  });
});

const settle =
  (into: ReceivedMessage[]): HandleBatch =>
  async (batch): Promise<BatchOutcome> => {
    into.push(...batch);
    return { kind: 'settled', outcomes: batch.map(() => ({ outcome: 'stored' })) };
  };

const consumersOf = (source: unknown): readonly Consumer[] =>
  (source as { present: { consumers: readonly Consumer[] } }).present.consumers;

/** Makes the broker close the source's channels, as it does for any client's mistake: 406, unknown delivery tag. */
async function breakChannels(source: unknown): Promise<void> {
  const channels = consumersOf(source).map(({ channel }) => channel.current!);
  const closed = channels.map((channel) => new Promise<void>((resolve) => channel.once('close', resolve)));
  for (const channel of channels)
    channel.ack({ fields: { deliveryTag: 999_999 } } as Parameters<ConfirmChannel['ack']>[0]);
  await Promise.all(closed);
}

const next = (broker: OwnBroker, queue: string) =>
  eventually(async () => (await broker.plain.get(queue)) || Promise.reject(new Error('empty')));

/** Takes the next message of the queue and gives it back so often, as processes do that end with it in hand. */
async function comeBack(broker: OwnBroker, queue: string, times: number): Promise<void> {
  for (let deliveries = 0; deliveries < times; deliveries += 1)
    broker.plain.nack(await next(broker, queue), false, true);
}
