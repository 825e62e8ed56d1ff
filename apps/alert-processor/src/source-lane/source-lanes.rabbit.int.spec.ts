import { anAlert, eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { breakChannels, brokerUrl, OwnBroker } from '@tocsin/rabbitmq/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchMessage, BatchOutcome, HandleBatch } from '../handle-batch';
import { lanesForTests } from './testing/lanes';
import { describeSourceLanes } from './testing/source-lanes.contract';

describeSourceLanes('RabbitMQ', {
  async open() {
    const broker = await OwnBroker.open();
    return { intake: await broker.intake(), source: async () => broker.source(), close: () => broker.close() };
  },
});

describe('alerts from RabbitMQ', () => {
  const { consume, stopLanes } = lanesForTests();
  let broker: OwnBroker;
  beforeEach(async () => (broker = await OwnBroker.open()));
  afterEach(async () => {
    await stopLanes();
    await broker.close();
  });

  it('arrive in batches of what is there, at most 500', async () => {
    const intake = await broker.intake();
    await intake.publish(Array.from({ length: 700 }, () => anAlert({ severity: 'low' })));
    const sizes: number[] = [];
    await consume(broker.source(), async (batch) => {
      sizes.push(batch.length);
      return settle([])(batch);
    });
    await eventually(() => expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(700));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
    expect(sizes.length).toBeLessThan(100);
  });

  it('arrive although the rest is stuck when they are urgent: these have a lane of their own', async () => {
    const intake = await broker.intake();
    const urgent: BatchMessage[] = [];
    let stuck = 0;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await consume(broker.source(), async (batch) => {
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

  it('go to alerts.dead unchanged, with the reason, when they are dead, and only then', async () => {
    await consume(broker.source(), async (batch) => ({
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

  it('are parked once they came back twice, and handed over alone and unchanged', async () => {
    const { queue, exchange } = broker.topology;
    await (await broker.publisher()).connect();
    broker.plain.publish(exchange, 'alert.low.shop', Buffer.from('poison'), {
      messageId: 'm-1',
      timestamp: 1_767_322_800,
    });
    await comeBack(broker, queue, 2);

    const received: BatchMessage[] = [];
    await consume(broker.source(), settle(received));

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

    const received: BatchMessage[] = [];
    await consume(broker.source(), async (batch) => {
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
    await consume(source, async (batch) => {
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

  it('leave the queue although one of them is late, which comes again until it has its outcome', async () => {
    const source = broker.source();
    const received: string[] = [];
    let finish: (fate: { outcome: 'stored' }) => void = () => undefined;
    const fate = new Promise<{ outcome: 'stored' }>((resolve) => (finish = resolve));
    await consume(source, async (batch) => {
      received.push(...batch.map(({ body, redelivered }) => `${body.toString()}${redelivered ? ' again' : ''}`));
      return {
        kind: 'settled',
        outcomes: batch.map(({ body, redelivered }) =>
          body.toString() === 'long' && !redelivered ? { outcome: 'late', result: fate } : { outcome: 'stored' },
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
    finish({ outcome: 'stored' }); // too late: the channel that delivered it is closed
    await stopLanes();
    expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0);
  });

  it('leave the queue although a dead one among them cannot be buried yet', async () => {
    const proxy = await FaultProxy.to(brokerUrl());
    const source = broker.source({}, broker.publisher({ url: proxy.via(brokerUrl()) }));
    proxy.refuse();
    const received: string[] = [];
    await consume(source, async (batch) => {
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

  it('come again when their channel closed, and the late acknowledgement for the old channel does no harm', async () => {
    const source = broker.source();
    const bodies: string[] = [];
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await consume(source, async (batch) => {
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
    await stopLanes();
    expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0);
  });

  it('go on arriving after the connection was cut, and what was in hand comes again', async () => {
    const proxy = await FaultProxy.to(brokerUrl());
    const source = broker.source({ url: proxy.via(brokerUrl()) });
    const received: BatchMessage[] = [];
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await consume(source, async (batch) => {
      if (batch[0]?.redelivered === false) await released;
      return settle(batch[0]?.redelivered === false ? [] : received)(batch);
    });
    broker.plain.publish(broker.topology.exchange, 'alert.low.shop', Buffer.from('{"a":1}'));
    await eventually(async () => expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0));

    proxy.cut();

    await eventually(() => expect(received.map(({ body }) => body.toString())).toEqual(['{"a":1}']));
    await eventually(() => expect(source.consuming).toBe(true));
    release();
    await stopLanes();
    await proxy.close();
    expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(0);
  });

  it('count one delivery for an outage, however often the connection is lost meanwhile', async () => {
    const proxy = await FaultProxy.to(brokerUrl());
    const source = broker.source({ url: proxy.via(brokerUrl()) });
    const received: BatchMessage[] = [];
    let away = true;
    await consume(source, async (batch) =>
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
    await stopLanes();
    await proxy.close();
  });

  it('can begin to be consumed during an outage, whichever queue notices it first, and arrive when it is over', async () => {
    const intake = await broker.intake();
    await intake.publish([anAlert({ severity: 'urgent' }), anAlert({ severity: 'low' })]);
    const received: BatchMessage[] = [];
    let refused = 0;
    let away = true;
    const source = broker.source({ consumeTimeoutMs: 3_000 });
    await consume(source, async (batch) => {
      if (!away) return settle(received)(batch);
      refused += 1;
      return { kind: 'retry', reason: 'the test says so' };
    });
    await eventually(() => expect(refused).toBeGreaterThan(0));
    away = false;
    await eventually(() => expect(received).toHaveLength(2));
    await eventually(() => expect(source.consuming).toBe(true));
  });
});

const settle =
  (into: BatchMessage[]): HandleBatch =>
  async (batch): Promise<BatchOutcome> => {
    into.push(...batch);
    return { kind: 'settled', outcomes: batch.map(() => ({ outcome: 'stored' })) };
  };

const next = (broker: OwnBroker, queue: string) =>
  eventually(async () => (await broker.plain.get(queue)) || Promise.reject(new Error('empty')));

/**
 * Takes the next message of the queue and gives it back several times, as processes do that end while they handle it.
 */
async function comeBack(broker: OwnBroker, queue: string, times: number): Promise<void> {
  for (let deliveries = 0; deliveries < times; deliveries += 1)
    broker.plain.nack(await next(broker, queue), false, true);
}
