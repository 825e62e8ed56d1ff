import { randomBytes } from 'node:crypto';
import type { ReceivedMessage } from '@tocsin/contracts/ports';
import { eventually, ListenerByHand } from '@tocsin/contracts/testing';
import { createLogger } from '@tocsin/observability';
import { ConfirmingPublisher } from '@tocsin/publisher';
import { declareTopology, RabbitAlertSource, topologyOf } from '@tocsin/rabbitmq';
import { AmqpDoor } from './door.amqp';
import { runCli } from './run-cli';
import { PlayedTerminal } from './testing/played-terminal';

const url = process.env.RABBITMQ_URL;
if (!url) throw new Error('This test needs a RabbitMQ: set RABBITMQ_URL.');

const ALERT = {
  tenant_id: 'north-bakery',
  service: 'inventory',
  severity: 'urgent',
  id: 'flour-1',
  title: 'Flour is low',
};

describe('the AMQP door', () => {
  const prefix = `test-cli-${randomBytes(6).toString('hex')}.`;
  const topology = topologyOf(prefix);
  const owner = new ConfirmingPublisher({
    url,
    name: 'test',
    declare: (channel) => declareTopology(channel, topology),
  });
  const remove = async (queues: string[], exchanges: string[]) => {
    const remover = new ConfirmingPublisher({
      url,
      name: 'test',
      declare: async (channel) => {
        for (const name of queues) await channel.deleteQueue(name);
        for (const name of exchanges) await channel.deleteExchange(name);
      },
    });
    await remover.connect();
    await remover.close();
  };
  const doors: AmqpDoor[] = [];
  const open = (to = url, exchange = topology.exchange) => {
    const door = new AmqpDoor(to, exchange);
    doors.push(door);
    return door;
  };
  beforeAll(() => owner.connect());
  afterEach(async () => {
    for (const door of doors.splice(0)) await door.close();
  });
  afterAll(async () => {
    await owner.close();
    const {
      queue,
      urgentQueue,
      expiredQueue,
      expiredUrgentQueue,
      suspectsQueue,
      deliveryLimit,
      deadQueue,
      exchange,
      intake,
      rest,
      suspects,
      expired,
      alone,
    } = topology;
    await remove(
      [queue, urgentQueue, expiredQueue, expiredUrgentQueue, suspectsQueue, deliveryLimit, deadQueue],
      [exchange, intake, rest, suspects, expired, alone, deliveryLimit],
    );
  });

  it('confirms what a queue has, and an alert-processor receives it under its key and its id', async () => {
    expect(await open().publish([ALERT])).toEqual({ accepted: ['flour-1'], tookMs: expect.any(Number) });

    const received: ReceivedMessage[] = [];
    const log = createLogger({ app: 'test', level: 'silent' });
    const source = new RabbitAlertSource({ url, prefetch: 10, topology }, owner, log);
    await source.consume(() => new ListenerByHand(({ message }) => void received.push(message)));
    await eventually(() => expect(received).toHaveLength(1));
    await source.stop();
    expect(received[0]).toMatchObject({ routing_key: 'alert.urgent.inventory', message_id: 'flour-1' });
    expect(JSON.parse(received[0]!.body.toString())).toMatchObject(ALERT);
  });

  it('is what `publish` takes when RABBITMQ_URL is set: one line with the id and the time it took', async () => {
    const terminal = new PlayedTerminal({ RABBITMQ_URL: url, RABBITMQ_PREFIX: prefix });
    expect(
      await runCli(
        ['publish', 'Flour is low', '--service', 'inventory', '--severity', 'urgent', '--id', 'flour-2'],
        terminal,
      ),
    ).toBe(0);
    expect(terminal).toMatchObject({ stdout: [expect.stringMatching(/^confirmed · flour-2 · \d+ ms$/)], stderr: [] });
  });

  it('publishes nothing when one message is not valid, and points at it', async () => {
    const answer = await open().publish([ALERT, { ...ALERT, severity: 'loud' }, { ...ALERT, colour: 'red' }]);
    expect(answer).toMatchObject({ accepted: [], trouble: { kind: 'refused' } });
    expect(answer.trouble).toHaveProperty('lines', [
      'The message is not valid; nothing was published.',
      expect.stringMatching(/^ {2}\/1\/severity {2}/),
      expect.stringMatching(/^ {2}\/2\/colour {2}/),
    ]);
  });

  it('says that no queue takes alerts where nobody has made one', async () => {
    const exchange = `${topology.exchange}.lonely`;
    const answer = await open(url, exchange).publish([ALERT]);
    expect(answer).toMatchObject({
      accepted: [],
      trouble: { kind: 'away', sentence: expect.stringContaining('No queue takes alerts there yet') },
    });
    await remove([], [exchange]);
  });

  it('tells a broker that is away from a login that is refused, and shows neither user nor password', async () => {
    const away = await open('amqp://guest:hush@127.0.0.1:9').publish([ALERT]);
    expect(away.trouble).toEqual({
      kind: 'away',
      sentence: 'Nothing answers as RabbitMQ at 127.0.0.1:9. Is it running? Is RABBITMQ_URL right?',
    });
    const wrong = new URL(url);
    wrong.password = 'hush';
    const refused = await open(wrong.href).publish([ALERT]);
    expect(refused.trouble).toEqual({
      kind: 'away',
      sentence: `RabbitMQ at ${wrong.host} refused the user or the password of RABBITMQ_URL.`,
    });
  });
});
