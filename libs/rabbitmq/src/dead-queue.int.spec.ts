import { OwnBroker } from './testing/own-broker';

describe('alerts.dead in RabbitMQ', () => {
  let broker: OwnBroker;
  beforeEach(async () => (broker = await OwnBroker.open()));
  afterEach(() => broker.close());

  it('is bounded by age, number and size, and by nothing else', async () => {
    await broker.publisher().connect();
    // a limit that is never reached: a letter that is read and put back must not leave
    const bounds = {
      'x-delivery-limit': 1_000_000_000,
      'x-message-ttl': 1_209_600_000,
      'x-max-length': 100_000,
      'x-max-length-bytes': 1_073_741_824,
    };
    // the broker refuses a second declaration that differs
    const declare = async (more: object) =>
      (await broker.plainChannel()).assertQueue(broker.topology.deadQueue, {
        durable: true,
        arguments: { 'x-queue-type': 'quorum', ...more },
      });
    await declare(bounds);
    await expect(declare({})).rejects.toThrow(/PRECONDITION/);
  });
});
