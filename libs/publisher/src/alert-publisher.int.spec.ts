import type { AlertMessageBody } from '@tocsin/contracts/wire';
import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { connect, type Channel, type ChannelModel, type GetMessage } from 'amqplib';
import { randomBytes } from 'node:crypto';
import { AlertPublisher, type AlertPublisherOptions } from './alert-publisher';

/** `connection.blocked` and `connection.unblocked` as a broker with an alarm sends them: method frames on channel 0. */
const BLOCKED = Buffer.from('0100000000000b000a003c066d656d6f7279ce', 'hex');
const UNBLOCKED = Buffer.from('01000000000004000a003dce', 'hex');

describe('publishing alerts', () => {
  const url = process.env.RABBITMQ_URL;
  if (!url) throw new Error('This test needs a RabbitMQ: set RABBITMQ_URL.');
  const exchange = `test-${randomBytes(6).toString('hex')}.alerts`;
  const queue = `${exchange}.all`;

  let connection: ChannelModel;
  let channel: Channel;
  let proxy: FaultProxy;
  let publishers: AlertPublisher[];
  const publisher = async (options: Partial<AlertPublisherOptions> = {}): Promise<AlertPublisher> => {
    const made = new AlertPublisher({ url: proxy.via(url), exchange, ...options });
    publishers.push(made);
    return made;
  };
  const connected = async (options: Partial<AlertPublisherOptions> = {}): Promise<AlertPublisher> => {
    const made = await publisher(options);
    await made.connect();
    return made;
  };

  beforeEach(async () => {
    publishers = [];
    proxy = await FaultProxy.to(url);
    connection = await connect(url);
    channel = await connection.createChannel();
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, exchange, 'alert.#');
  });
  afterEach(async () => {
    for (const made of publishers) await made.close();
    await proxy.close();
    await channel.deleteQueue(queue);
    await channel.deleteExchange(exchange);
    await connection.close();
  });

  const alert = (overrides: Partial<AlertMessageBody> = {}): AlertMessageBody => ({
    tenant_id: 'bakery',
    service: 'inventory',
    severity: 'urgent',
    name: 'low_stock',
    ...overrides,
  });
  const next = async (): Promise<GetMessage> =>
    (await channel.get(queue, { noAck: true })) || Promise.reject(new Error('the queue is empty'));
  const many = (count: number) => Array.from({ length: count }, (_, index) => alert({ id: `m-${index}` }));

  it('takes the next node of a cluster when one refuses it, and when the one that it has is gone', async () => {
    const other = await FaultProxy.to(url);
    proxy.refuse();
    const made = await connected({ url: `${proxy.via(url)},${other.via(url)}` });
    expect(await made.publish([alert({ id: 'one' })])).toMatchObject([{ outcome: 'confirmed' }]);
    proxy.refuse(false);
    other.refuse();
    other.cut();
    const again = await made.publish([alert({ id: 'two' })], { retryForMs: 10_000 });
    expect(again).toMatchObject([{ outcome: 'confirmed' }]);
    expect(proxy.connections).toHaveLength(1);
    await made.close();
    await other.close();
  });

  it('sends a persistent JSON message under its routing key, its id and the trace beside it', async () => {
    const [outcome] = await (await connected()).publish([alert({ id: 'm-1' })], { traceparent: '00-a-b-01' });

    expect(outcome).toEqual({ id: 'm-1', outcome: 'confirmed' });
    const { content, fields, properties } = await next();
    expect(JSON.parse(content.toString())).toEqual({ ...alert(), id: 'm-1' });
    expect(fields.routingKey).toBe('alert.urgent.inventory');
    expect(properties).toMatchObject({
      messageId: 'm-1',
      contentType: 'application/json',
      deliveryMode: 2,
      headers: { traceparent: '00-a-b-01' },
    });
    expect(Math.abs(Number(properties.timestamp) - Date.now() / 1000)).toBeLessThan(60);
  });

  it('gives a message without an id one, and reports it', async () => {
    const [outcome] = await (await connected()).publish([alert()]);
    expect(outcome!.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse((await next()).content.toString())).toMatchObject({ id: outcome!.id });
  });

  it('reports in the order of the messages, also beyond its window', async () => {
    const outcomes = await (await connected({ maxInFlight: 7 })).publish(many(500));
    expect(outcomes).toEqual(many(500).map(({ id }) => ({ id, outcome: 'confirmed' })));
  });

  it('reports a message as unroutable when no queue is bound for it', async () => {
    const outcomes = await (
      await connected()
    ).publish([alert({ id: 'a' }), alert({ id: 'b', type: 'recommendation' }), alert({ id: 'c' })]);
    expect(outcomes).toEqual([
      { id: 'a', outcome: 'confirmed' },
      { id: 'b', outcome: 'failed', reason: 'unroutable' },
      { id: 'c', outcome: 'confirmed' },
    ]);
  });

  it('reports a message that AMQP cannot carry as not sent, and sends the others', async () => {
    const outcomes = await (
      await connected()
    ).publish([alert({ id: 'a', service: 'x'.repeat(300) }), alert({ id: 'b' })]);
    expect(outcomes).toEqual([
      { id: 'a', outcome: 'failed', reason: 'not_sendable' },
      { id: 'b', outcome: 'confirmed' },
    ]);
  });

  it('makes its channel again after the broker closed it', async () => {
    const made = await connected();
    await channel.deleteExchange(exchange); // publishing to it is now a 404, which closes the channel
    expect(await made.publish([alert({ id: 'a' })])).toEqual([
      { id: 'a', outcome: 'failed', reason: 'connection_lost' },
    ]);

    await eventually(() => expect(made.connected).toBe(true));
    await channel.bindQueue(queue, exchange, 'alert.#');
    expect(await made.publish([alert({ id: 'a' })])).toEqual([{ id: 'a', outcome: 'confirmed' }]);
  });

  it('fails messages in flight when the connection is cut, refuses new ones while it is away, and reconnects by itself', async () => {
    const made = await connected();
    proxy.silence();
    const onItsWay = made.publish(many(3));
    proxy.refuse();
    proxy.cut();
    expect(await onItsWay).toEqual(many(3).map(({ id }) => ({ id, outcome: 'failed', reason: 'connection_lost' })));
    await expect(made.publish(many(1))).rejects.toMatchObject({ name: 'BrokerUnavailable', obstacle: 'unreachable' });

    proxy.silence(false);
    proxy.refuse(false);
    await eventually(() => expect(made.connected).toBe(true), 15_000);
    expect(await made.publish(many(1))).toEqual([{ id: 'm-0', outcome: 'confirmed' }]);
  });

  it('waits no longer than its timeout for a silent broker, and keeps its window bounded', async () => {
    const made = await connected({ confirmTimeoutMs: 200, maxInFlight: 2 });
    proxy.silence();
    expect(await made.publish(many(3))).toEqual(
      many(3).map(({ id }) => ({ id, outcome: 'failed', reason: 'timeout' })),
    );
    await expect(made.publish(many(1))).rejects.toMatchObject({ obstacle: 'full' });

    proxy.silence(false);
    await eventually(async () =>
      expect(await made.publish([alert({ id: 'late' })])).toEqual([{ id: 'late', outcome: 'confirmed' }]),
    );
  });

  it('refuses at once while the broker has an alarm, and goes on after it', async () => {
    const made = await connected();
    proxy.inject(BLOCKED);
    await eventually(() => expect(made.publish([alert()])).rejects.toMatchObject({ obstacle: 'blocked' }));
    proxy.inject(UNBLOCKED);
    await eventually(async () =>
      expect(await made.publish([alert({ id: 'a' })])).toEqual([{ id: 'a', outcome: 'confirmed' }]),
    );
  });

  it('retries unconfirmed messages under the same id, for as long as it was told to', async () => {
    const made = await connected();
    await channel.unbindQueue(queue, exchange, 'alert.#');
    const publishing = made.publish([alert(), alert({ id: 'b' })], { retryForMs: 20_000 });
    proxy.cut();
    await eventually(() => expect(made.connected).toBe(true), 15_000);
    await channel.bindQueue(queue, exchange, 'alert.#');
    const outcomes = await publishing;
    expect(outcomes).toEqual([
      { id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, outcome: 'confirmed' },
      { id: 'b', outcome: 'confirmed' },
    ]);
    const ids = [await next(), await next()].map(({ properties }) => properties.messageId as string);
    expect(ids.sort()).toEqual(outcomes.map(({ id }) => id).sort());
  });

  it('ends with the last outcome when the time is over, with the obstacle when nothing was sent, and does not retry a message that cannot be sent', async () => {
    const made = await connected();
    await channel.unbindQueue(queue, exchange, 'alert.#');
    expect(await made.publish([alert({ id: 'a' })], { retryForMs: 300 })).toEqual([
      { id: 'a', outcome: 'failed', reason: 'unroutable' },
    ]);
    expect(await made.publish([alert({ id: 'a', service: 'x'.repeat(300) })], { retryForMs: 60_000 })).toEqual([
      { id: 'a', outcome: 'failed', reason: 'not_sendable' },
    ]);
    proxy.refuse();
    proxy.cut();
    await eventually(() => expect(made.connected).toBe(false));
    await expect(made.publish([alert()], { retryForMs: 300 })).rejects.toMatchObject({ obstacle: 'unreachable' });
    await made.close();
    await expect(made.publish([alert()], { retryForMs: 60_000 })).rejects.toMatchObject({ obstacle: 'closed' });
  });

  it('cannot connect where nothing listens, says so in time, and goes on trying', async () => {
    proxy.refuse();
    const made = await publisher();
    await expect(made.connect(300)).rejects.toMatchObject({ name: 'BrokerUnavailable', obstacle: 'unreachable' });
    proxy.refuse(false);
    await made.connect(10_000);
    expect(made.connected).toBe(true);
  });

  it('is closed twice, and takes nothing from then on', async () => {
    const made = await connected();
    await made.close();
    await made.close();
    await expect(made.publish([alert()])).rejects.toMatchObject({ obstacle: 'closed' });
    await expect(made.connect(300)).rejects.toMatchObject({ obstacle: 'closed' });
  });

  it('accepts an empty list', async () => {
    expect(await (await publisher()).publish([])).toEqual([]);
  });
});
