import { connect, type Channel, type ChannelModel, type ConfirmChannel, type GetMessage } from 'amqplib';
import { randomBytes } from 'node:crypto';
import { createLogger } from '@tocsin/observability';
import { ConfirmingPublisher } from '@tocsin/publisher';
import { RabbitAlertIntake } from '../alert-intake.rabbit';
import { RabbitAlertSource, type RabbitAlertSourceOptions } from '../alert-source.rabbit';
import { declareTopology } from '../topology';
import { topologyOf, type Topology } from '../topology-names';

export function brokerUrl(): string {
  const url = process.env.RABBITMQ_URL;
  if (!url) throw new Error('This test needs a RabbitMQ: set RABBITMQ_URL.');
  return url;
}

/** A topology of the test's own on the real broker, and a plain client beside it that stands for a foreign program. */
export class OwnBroker {
  readonly topology: Topology = topologyOf(`test-${randomBytes(6).toString('hex')}.`);
  readonly log = createLogger({ app: 'test', level: 'silent' });
  private readonly closers: (() => Promise<unknown>)[] = [];
  private plainConnection!: ChannelModel;
  /** The foreign program's channel. */
  plain!: ConfirmChannel;

  static async open(): Promise<OwnBroker> {
    const broker = new OwnBroker();
    broker.plainConnection = await connect(brokerUrl());
    broker.plain = await broker.plainConnection.createConfirmChannel();
    return broker;
  }

  publisher(options: Partial<ConstructorParameters<typeof ConfirmingPublisher>[0]> = {}): ConfirmingPublisher {
    const declare = (channel: Parameters<typeof declareTopology>[0]) => declareTopology(channel, this.topology);
    const publisher = new ConfirmingPublisher({ url: brokerUrl(), name: 'test', declare, ...options });
    this.closers.push(() => publisher.close());
    return publisher;
  }

  source(options: Partial<RabbitAlertSourceOptions> = {}, deadLetters = this.publisher()): RabbitAlertSource {
    const whole = { url: brokerUrl(), prefetch: 1_000, topology: this.topology, ...options };
    const source = new RabbitAlertSource(whole, deadLetters, this.log);
    this.closers.push(() => source.stop());
    return source;
  }

  async intake(): Promise<RabbitAlertIntake> {
    const publisher = this.publisher();
    await publisher.connect();
    return new RabbitAlertIntake(publisher, this.topology.exchange);
  }

  /** Another channel of the foreign program, for a question that may close it. */
  async plainChannel(): Promise<Channel> {
    const channel = await this.plainConnection.createChannel();
    channel.on('error', () => undefined);
    return channel;
  }

  /** The next message of a queue, as a foreign program gets it. */
  async get(queue: string): Promise<GetMessage> {
    const message = await this.plain.get(queue, { noAck: true });
    if (!message) throw new Error(`${queue} is empty`);
    return message;
  }

  /** Removes everything that the test declared. */
  async close(): Promise<void> {
    for (const close of this.closers.reverse()) await close();
    const channel = await this.plainConnection.createChannel();
    const {
      exchange,
      intake,
      rest,
      suspects,
      expired,
      alone,
      queue,
      urgentQueue,
      expiredQueue,
      expiredUrgentQueue,
      suspectsQueue,
      deliveryLimit,
      deadQueue,
    } = this.topology;
    for (const name of [queue, urgentQueue, expiredQueue, expiredUrgentQueue, suspectsQueue, deliveryLimit, deadQueue])
      await channel.deleteQueue(name);
    for (const name of [exchange, intake, rest, suspects, expired, alone, deliveryLimit])
      await channel.deleteExchange(name);
    await this.plainConnection.close();
  }
}
