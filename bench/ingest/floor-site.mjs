// The floor as a contender: a system without processor and gateway, whose generator does their work by hand.
import { QUEUES, Site } from './sites.mjs';

/** `dist`: the build whose queues it uses. */
export const floor = ({ dist }) => ({
  name: 'floor',
  about: 'one insert into a bare table, one publish to Redis and one acknowledgement an alert, by hand in one process',
  dist,
  isFloor: true,
});

export class FloorSite extends Site {
  async open() {
    await this.openDatabase();
    await this.openBroker();
    await this.openGenerator();
  }

  async startProcessor() {
    const { databaseUrl, prefix } = this;
    const { RABBITMQ_URL: amqpUrl, REDIS_URL: redisUrl } = this.services;
    const queues = QUEUES.map((queue) => prefix + queue);
    await this.generator.ask({ act: 'openFloor', amqpUrl, databaseUrl, redisUrl, prefix, queues });
  }

  async stopProcessor() {
    await this.generator.ask({ act: 'closeFloor' });
  }

  /** Nothing to open: the generator has subscribed already. */
  async watch() {}
}
