import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@tocsin/contracts/testing';
import { AlertPublisher } from '@tocsin/publisher';
import { ask } from '../kit/http';
import { PlainAmqp } from '../kit/plain-amqp';
import { Stack } from '../kit/stack';
import { publisherToken } from '../kit/tokens';
import { aMessage } from './ingest-kit';
import { PrivateRabbit } from './private-rabbitmq';

/** What the guide lets each user configure, write and read. */
const RIGHTS = new Map(
  [
    ...readFileSync(join(__dirname, '../../docs/install.md'), 'utf8').matchAll(
      /^rabbitmqctl set_permissions (\w+) '(.*)' '(.*)' '(.*)'$/gm,
    ),
  ].map(([, user, ...patterns]) => [user!, patterns] as const),
);

describe('the rights that the guide gives in RabbitMQ', () => {
  let rabbit: PrivateRabbit;
  let stack: Stack;
  beforeAll(async () => {
    rabbit = await PrivateRabbit.start();
    process.env.RABBITMQ_URL = rabbit.url;
    stack = await Stack.open({ processors: 0, gateways: 0 });
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    await rabbit?.remove();
  }, 60_000);

  it.each([
    ['without a prefix', ''],
    ['with RABBITMQ_PREFIX', 'e2e.rights.'],
  ])(
    'suffice %s for processor, gateway and producers, and for dead letters',
    async (_, prefix) => {
      const rightsOf = (user: string) =>
        RIGHTS.get(user)!.map((pattern) => pattern.replace(/\^(?=\(?alert)/g, `^${prefix.replaceAll('.', '\\.')}`));
      const environment = {
        RABBITMQ_URL: await rabbit.addUser(`tocsin-${prefix}`, 'a-password', rightsOf('tocsin')),
        RABBITMQ_PREFIX: prefix,
      };
      const processor = await stack.startProcessor(environment);
      const gateway = await stack.startGateway(environment);
      const all = await PlainAmqp.connect(rabbit.url, prefix);

      // a service
      const publisher = new AlertPublisher({
        url: await rabbit.addUser(`inventory-${prefix}`, 'a-password', rightsOf('inventory')),
        exchange: all.exchange,
      });
      await publisher.connect();
      const outcomes = await publisher.publish([{ ...aMessage(`amqp-${prefix}`), severity: 'low' }]);
      expect(outcomes).toMatchObject([{ outcome: 'confirmed' }]);
      await publisher.close();

      // a gateway
      const headers = { Authorization: `Bearer ${publisherToken()}`, 'Content-Type': 'application/json' };
      const body = JSON.stringify(aMessage(`http-${prefix}`, { severity: 'urgent' }));
      expect(await ask(gateway.url, '/api/v1/events', { method: 'POST', headers, body })).toMatchObject({
        status: 202,
      });
      await eventually(async () => {
        const stored = await stack.sql<{ event_id: string }>('select event_id from tocsin.event order by event_id');
        expect(stored.map(({ event_id }) => event_id)).toEqual(
          expect.arrayContaining([`amqp-${prefix}`, `http-${prefix}`]),
        );
      }, 20_000);

      // a dead letter
      await all.publish('alert.low.inventory', '{no JSON');
      const letters: unknown[] = [];
      await eventually(async () => {
        letters.push(...(await all.takeDead()));
        expect(letters).toHaveLength(1);
      }, 20_000);
      // the server counts anew every few seconds
      await eventually(
        async () => expect(await rabbit.messages()).toMatchObject({ [`${prefix}alert-processor`]: 0 }),
        20_000,
      );
      await all.close();
      await Promise.all([processor.stop(), gateway.stop()]);
    },
    120_000,
  );

  it('have one for dead letters, which the log names where it is missing', async () => {
    const rights = RIGHTS.get('tocsin')!.map((pattern) => pattern.replace('|^amq\\.default$', ''));
    const processor = await stack.startProcessor({
      RABBITMQ_URL: await rabbit.addUser('tocsin-without', 'a-password', rights),
      RABBITMQ_PREFIX: '',
    });
    const all = await PlainAmqp.connect(rabbit.url);
    await all.publish('alert.low.inventory', '{no JSON');
    await eventually(() => {
      const said = processor.log.filter(({ msg }) => msg === 'dead letters are kept and tried again');
      expect(JSON.stringify(said)).toContain("access to exchange 'amq.default'");
    }, 20_000);
    await all.close();
    await processor.stop();
  }, 60_000);
});
