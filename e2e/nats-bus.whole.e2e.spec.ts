import { FaultProxy } from '@tocsin/fault-proxy';
import { tellsAtOnce } from './faults/bus-of-processes';
import { PrivateNats } from './faults/private-services';
import {
  CUT_OFF_MS,
  KILLED_PROCESSORS,
  KILLED_SERVERS,
  losesAndRepeatsNothing,
  MESSAGES,
  openStack,
} from './faults/queue-under-kills';
import { limitMs } from './faults/size';
import { describeWith } from './kit/programs';
import type { Stack } from './kit/stack';

const seed = Number(process.env.SEED ?? 20_283);

describeWith('nats-server', 'the bus in NATS, with the queue in RabbitMQ', () => {
  const environment = { BUS: 'nats', NATS_PREFIX: 'e2e-', REDIS_URL: '', NATS_URL: '' };
  let nats: PrivateNats;
  let way: FaultProxy;
  let stack: Stack;
  beforeAll(async () => {
    nats = await PrivateNats.start();
    way = await FaultProxy.to(nats.url);
    environment.NATS_URL = way.via(nats.url);
    stack = await openStack(environment);
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    await way?.close();
    await nats?.remove();
  }, 60_000);

  it(
    `leaves no hole in any stream of ${MESSAGES} alerts, while processors are killed ${KILLED_PROCESSORS} times, NATS ${KILLED_SERVERS} times, and a gateway once, and NATS is cut off for ${CUT_OFF_MS / 1_000} s`,
    async () => {
      const restartServer = async () => {
        await nats.kill();
        await nats.start();
      };
      await losesAndRepeatsNothing(stack, { restartServer, way }, seed);
    },
    limitMs(1_200),
  );

  tellsAtOnce(() => stack, environment);
});
