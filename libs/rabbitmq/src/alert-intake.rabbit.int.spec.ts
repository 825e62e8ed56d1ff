import { anAlert } from '@tocsin/contracts/testing';
import { RabbitAlertIntake } from './alert-intake.rabbit';
import { RabbitRawIntake } from './raw-intake.rabbit';
import { OwnBroker } from './testing/own-broker';

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

  it('are refused as a whole, as Unavailable, while RabbitMQ is away', async () => {
    const publisher = broker.publisher({ url: 'amqp://guest:guest@127.0.0.1:1' });
    publisher.open();
    const intake = new RabbitAlertIntake(publisher, broker.topology.exchange);
    await expect(intake.publish([anAlert()])).rejects.toMatchObject({
      name: 'Unavailable',
      role: 'queue',
      technology: 'rabbitmq',
    });
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

  it('are refused as a whole, as Unavailable, while RabbitMQ is away', async () => {
    const publisher = broker.publisher({ url: 'amqp://guest:guest@127.0.0.1:1' });
    publisher.open();
    const back = new RabbitRawIntake(publisher, broker.topology.exchange).republish([
      { body: Buffer.from('{}'), routing_key: '', message_id: 'm', timestamp: 1 },
    ]);
    await expect(back).rejects.toMatchObject({ name: 'Unavailable', role: 'queue', technology: 'rabbitmq' });
  });
});
