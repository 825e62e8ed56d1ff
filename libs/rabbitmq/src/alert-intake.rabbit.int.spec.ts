import { anAlert, describeAlertIntake } from '@tocsin/contracts/testing';
import { RabbitAlertIntake } from './alert-intake.rabbit';
import { RabbitRawIntake } from './raw-intake.rabbit';
import { OwnBroker } from './testing/own-broker';

describeAlertIntake('RabbitMQ', {
  async open(messages) {
    const broker = await OwnBroker.open();
    const { exchange, queue } = broker.topology;
    // as a policy of an operator bounds the queue
    const publisher = broker.publisher({
      async declare(channel) {
        await channel.assertExchange(exchange, 'topic');
        await channel.assertQueue(queue, { arguments: { 'x-max-length': messages, 'x-overflow': 'reject-publish' } });
        await channel.bindQueue(queue, exchange, '#');
      },
    });
    await publisher.connect();
    return {
      intake: new RabbitAlertIntake(publisher, exchange),
      raw: new RabbitRawIntake(publisher, exchange),
      async drain() {
        const ids: string[] = [];
        for (let left = (await broker.plain.checkQueue(queue)).messageCount; left > 0; left -= 1)
          ids.push(String((await broker.get(queue)).properties.messageId));
        return ids;
      },
      close: () => broker.close(),
    };
  },
  async away() {
    const broker = await OwnBroker.open();
    const publisher = broker.publisher({ url: 'amqp://guest:guest@127.0.0.1:1' });
    publisher.open();
    const { exchange } = broker.topology;
    return {
      intake: new RabbitAlertIntake(publisher, exchange),
      raw: new RabbitRawIntake(publisher, exchange),
      close: () => broker.close(),
    };
  },
});

describe('alerts into RabbitMQ', () => {
  let broker: OwnBroker;
  beforeEach(async () => (broker = await OwnBroker.open()));
  afterEach(() => broker.close());

  it('wait in the queue of their severity for a processor that was never started', async () => {
    const intake = await broker.intake();
    const [urgent, low] = [
      anAlert({ severity: 'urgent' }),
      anAlert({ severity: 'low', type: 'recommendation', service: 'sales.eu' }),
    ];

    expect(await intake.publish([urgent, low])).toEqual([
      { id: urgent.id, outcome: 'confirmed' },
      { id: low.id, outcome: 'confirmed' },
    ]);

    const first = await broker.get(broker.topology.urgentQueue);
    expect([first.fields.routingKey, first.properties.messageId]).toEqual(['alert.urgent.inventory', urgent.id]);
    const second = await broker.get(broker.topology.queue);
    expect([second.fields.routingKey, second.properties.messageId]).toEqual(['recommendation.low.sales.eu', low.id]);
    expect(JSON.parse(second.content.toString())).toEqual(JSON.parse(JSON.stringify(low)));
  });

  it('are all in one queue for any key, unless its second word is urgent', async () => {
    await (await broker.publisher()).connect();
    for (const key of ['', 'a.b.c.d.e', 'urgent', 'alert.low.urgent', 'alert.URGENT.shop'])
      broker.plain.publish(broker.topology.exchange, key, Buffer.from(key));
    for (const key of ['alert.urgent', 'alert.urgent.shop', 'anything.urgent.a.b'])
      broker.plain.publish(broker.topology.exchange, key, Buffer.from(key));
    await broker.plain.waitForConfirms();
    expect((await broker.plain.checkQueue(broker.topology.queue)).messageCount).toBe(5);
    expect((await broker.plain.checkQueue(broker.topology.urgentQueue)).messageCount).toBe(3);
  });
});

describe('messages back into RabbitMQ', () => {
  let broker: OwnBroker;
  beforeEach(async () => (broker = await OwnBroker.open()));
  afterEach(() => broker.close());

  it('have the same bytes, key, id and time as before, in the lane of their key', async () => {
    const publisher = broker.publisher();
    await publisher.connect();
    const body = Buffer.from([0xff, 0x00, 0x7b]);
    const raw = new RabbitRawIntake(publisher, broker.topology.exchange);
    expect(
      await raw.republish([
        { body, routing_key: 'x.urgent.y', message_id: 'm-1', timestamp: 7 },
        { body, routing_key: '', message_id: 'm-2', timestamp: 8 },
      ]),
    ).toEqual([
      { id: 'm-1', outcome: 'confirmed' },
      { id: 'm-2', outcome: 'confirmed' },
    ]);
    for (const [queue, routingKey, messageId, timestamp] of [
      [broker.topology.urgentQueue, 'x.urgent.y', 'm-1', 7],
      [broker.topology.queue, '', 'm-2', 8],
    ] as const) {
      const { content, fields, properties } = await broker.get(queue);
      expect(content.equals(body)).toBe(true);
      expect({ ...fields, ...properties }).toMatchObject({ routingKey, messageId, timestamp, deliveryMode: 2 });
    }
  });
});
