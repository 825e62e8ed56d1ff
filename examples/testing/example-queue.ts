import { connect, type Channel, type ChannelModel, type GetMessage } from 'amqplib';
import { randomBytes } from 'node:crypto';

/**
 * An exchange for one test, with one queue that takes every message, and the environment that leads an example to it.
 */
export class ExampleQueue {
  private constructor(
    private readonly connection: ChannelModel,
    private readonly channel: Channel,
    private readonly exchange: string,
    private readonly url: string,
  ) {}

  static async open(): Promise<ExampleQueue> {
    const url = process.env.RABBITMQ_URL;
    if (!url) throw new Error('This test needs a RabbitMQ: set RABBITMQ_URL.');
    const connection = await connect(url);
    const channel = await connection.createChannel();
    const exchange = `test-${randomBytes(6).toString('hex')}.alerts`;
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(exchange, { durable: true });
    await channel.bindQueue(exchange, exchange, '#');
    return new ExampleQueue(connection, channel, exchange, url);
  }

  get environment(): Record<string, string> {
    return { RABBITMQ_URL: this.url, ALERTS_EXCHANGE: this.exchange };
  }

  async get(): Promise<GetMessage> {
    return (await this.channel.get(this.exchange, { noAck: true })) || Promise.reject(new Error('the queue is empty'));
  }

  async close(): Promise<void> {
    await this.channel.deleteQueue(this.exchange);
    await this.channel.deleteExchange(this.exchange);
    await this.connection.close();
  }
}
