// The least that the services take for an alert, written by hand: from the same quorum queues one message at a time,
// one insert into a bare table, one publish to Redis, one acknowledgement after the insert. Nothing is validated,
// numbered or joined. It runs in the generator's process, which is the subscriber too: between publish and arrival an
// alert passes the services and no other process. Inserts do not wait for each other: each has a connection.
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { Pool } from 'pg';

const PREFETCH = 50;
/** As many connections as the usual way has. */
const POOL_LIMIT = 20;

export class Floor {
  #inHand = new Set();
  #tags = [];

  constructor({ databaseUrl, redisUrl, prefix }) {
    this.topic = `${prefix}floor`;
    this.pool = new Pool({ connectionString: databaseUrl, max: POOL_LIMIT, application_name: 'bench floor' });
    this.publisher = new Redis(redisUrl);
    this.subscriber = new Redis(redisUrl);
  }

  /** Consumes until `close`. `onAlert` gets the body of each alert that Redis delivers. */
  static async open({ amqpUrl, queues, ...options }, onAlert) {
    const floor = new Floor(options);
    await floor.pool.query('create table if not exists public.floor (body text not null)');
    floor.subscriber.on('message', (_topic, body) => onAlert(body));
    await floor.subscriber.subscribe(floor.topic);
    // a connection of its own: the broker slows a connection down that publishes much
    floor.broker = await connect(amqpUrl, { noDelay: true });
    floor.channel = await floor.broker.createChannel();
    await floor.channel.prefetch(PREFETCH);
    for (const queue of queues) {
      // a failure ends the process: a floor that has lost an alert is none
      const { consumerTag } = await floor.channel.consume(queue, (delivery) => floor.#hold(floor.#take(delivery)));
      floor.#tags.push(consumerTag);
    }
    return floor;
  }

  async #take(delivery) {
    const body = delivery.content.toString();
    await this.pool.query({ name: 'floor', text: 'insert into public.floor (body) values ($1)', values: [body] });
    const published = this.publisher.publish(this.topic, body);
    this.channel.ack(delivery);
    await published;
  }

  #hold(work) {
    this.#inHand.add(work);
    void work.finally(() => this.#inHand.delete(work));
  }

  /** Ends once what is under way is acknowledged. */
  async close() {
    for (const tag of this.#tags) await this.channel.cancel(tag);
    await Promise.all(this.#inHand);
    await this.broker.close();
    await this.pool.end();
    for (const connection of [this.publisher, this.subscriber]) connection.disconnect();
  }
}
