import { connect, type ChannelModel } from 'amqplib';
import { eventually } from '@tocsin/contracts/testing';
import { PrivateRabbit } from './private-rabbitmq';

describe('a RabbitMQ of one’s own', () => {
  let rabbit: PrivateRabbit;
  beforeAll(async () => void (rabbit = await PrivateRabbit.start()), 90_000);
  afterAll(() => rabbit?.remove(), 30_000);

  async function connected(): Promise<ChannelModel> {
    const connection = await connect(rabbit.url);
    connection.on('error', () => undefined);
    return connection;
  }

  it('keeps what it has confirmed when it is killed', async () => {
    const before = await connected();
    const channel = await before.createConfirmChannel();
    channel.on('error', () => undefined);
    await channel.assertQueue('kept', { durable: true });
    await rabbit.writeDatabase();
    channel.sendToQueue('kept', Buffer.from('a'), { persistent: true });
    await channel.waitForConfirms();
    const gone = new Promise((resolve) => before.once('close', resolve));
    await rabbit.kill();
    await gone;
    await expect(connect(rabbit.url)).rejects.toThrow();
    await rabbit.start();
    const after = await connected();
    const message = await (await after.createChannel()).get('kept', { noAck: true });
    expect(message && message.content.toString()).toBe('a');
    await after.close();
  }, 90_000);

  it('tells publishers that it has an alarm, and that it has none any more', async () => {
    const connection = await connected();
    const told: string[] = [];
    for (const event of ['blocked', 'unblocked']) connection.on(event, () => told.push(event));
    const channel = await connection.createChannel();
    await rabbit.raiseMemoryAlarm();
    channel.publish('', 'nowhere', Buffer.from('a'));
    await eventually(() => expect(told).toEqual(['blocked']));
    await rabbit.clearMemoryAlarm();
    await eventually(() => expect(told).toEqual(['blocked', 'unblocked']));
    await connection.close();
  }, 90_000);
});
