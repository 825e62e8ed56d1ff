import { connect, type ChannelModel, type ConfirmChannel, type GetMessage, type Options } from 'amqplib';

/** A foreign service on RabbitMQ: plain amqplib, and only the documented names of Tocsin. */
export class PlainAmqp {
  readonly exchange: string;
  readonly deadQueue: string;
  private readonly queues: string[];

  private constructor(
    private readonly connection: ChannelModel,
    private readonly channel: ConfirmChannel,
    private readonly prefix: string,
  ) {
    this.exchange = `${prefix}alerts.exchange`;
    this.deadQueue = `${prefix}alerts.dead`;
    this.queues = ['alert-processor.urgent', 'alert-processor'].map((queue) => prefix + queue);
  }

  static async connect(url: string, prefix = ''): Promise<PlainAmqp> {
    const connection = await connect(url);
    connection.on('error', () => undefined);
    return new PlainAmqp(connection, await connection.createConfirmChannel(), prefix);
  }

  /** Declares the exchange, as every producer does before it publishes. */
  async declareExchange(): Promise<void> {
    await this.channel.assertExchange(this.exchange, 'topic', { durable: true });
  }

  /** Publishes one message and resolves when the broker has confirmed it. */
  publish(routingKey: string, body: unknown, options: Options.Publish = {}): Promise<void> {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    return new Promise((resolve, reject) => {
      this.channel.publish(this.exchange, routingKey, bytes, options, (error: unknown) =>
        error ? reject(error as Error) : resolve(),
      );
    });
  }

  /** Takes all messages out of `alerts.dead`. */
  async takeDead(): Promise<GetMessage[]> {
    const letters: GetMessage[] = [];
    for (
      let letter = await this.channel.get(this.deadQueue, { noAck: true });
      letter;
      letter = await this.channel.get(this.deadQueue, { noAck: true })
    )
      letters.push(letter);
    return letters;
  }

  /** How many messages wait in both lanes. */
  async depth(): Promise<number> {
    const counts = await Promise.all(this.queues.map((queue) => this.channel.checkQueue(queue)));
    return counts.reduce((sum, { messageCount }) => sum + messageCount, 0);
  }

  /** Deletes everything with this prefix, then disconnects. */
  async close(): Promise<void> {
    if (this.prefix) {
      for (const queue of [
        ...this.queues,
        this.deadQueue,
        ...[
          'alert-processor.expired',
          'alert-processor.expired.urgent',
          'alert-processor.suspects',
          'alerts.delivery-limit',
        ].map((name) => this.prefix + name),
      ])
        await this.channel.deleteQueue(queue);
      for (const exchange of [
        'alerts.exchange',
        'alerts.intake',
        'alerts.rest',
        'alerts.suspects',
        'alerts.expired',
        'alerts.alone',
        'alerts.delivery-limit',
      ])
        await this.channel.deleteExchange(this.prefix + exchange);
    }
    await this.connection.close();
  }
}
