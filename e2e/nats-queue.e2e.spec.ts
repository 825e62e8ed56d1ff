import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import { PrivateNats } from './faults/private-services';
import {
  CUT_OFF_MS,
  KILLED_PROCESSORS,
  KILLED_SERVERS,
  losesAndRepeatsNothing,
  MESSAGES,
  openStack,
} from './faults/queue-under-kills';
import { limitMs, SIZE_NOTE, sized } from './faults/size';
import { describeWith } from './kit/programs';
import type { Stack } from './kit/stack';

const PREFIX = 'e2e-';
const seed = Number(process.env.SEED ?? 20_282);

describeWith('nats-server', 'NATS', () => {
  describe.each([
    ...sized([{ bus: 'redis', environment: {} as Record<string, string> }], []),
    { bus: 'nats', environment: { BUS: 'nats', REDIS_URL: '' } },
  ])('as the queue in JetStream, with the bus in $bus', ({ environment }) => {
    let nats: PrivateNats;
    let way: FaultProxy;
    let stack: Stack;
    beforeAll(async () => {
      nats = await PrivateNats.start();
      way = await FaultProxy.to(nats.url);
      const queue = { QUEUE: 'nats', NATS_URL: way.via(nats.url), NATS_PREFIX: PREFIX, RABBITMQ_URL: '' };
      stack = await openStack({ ...queue, ...environment });
    }, 120_000);
    afterAll(async () => {
      await stack?.close();
      await way?.close();
      await nats?.remove();
    }, 60_000);

    it('says at the start that one server keeps the queue', async () => {
      await eventually(() =>
        expect(stack.processes.output).toContain(
          `one NATS server keeps ${PREFIX}alerts-urgent, ${PREFIX}alerts-common`,
        ),
      );
    });

    it(
      `loses nothing and repeats nothing of ${MESSAGES} alerts, while processors are killed ${KILLED_PROCESSORS} times, NATS ${KILLED_SERVERS} times, and a gateway once, and NATS is cut off for ${CUT_OFF_MS / 1_000} s${SIZE_NOTE}`,
      async () => {
        const restartServer = async () => {
          await nats.kill();
          await nats.start();
        };
        await losesAndRepeatsNothing(stack, { restartServer, way }, seed);
        // what a killed processor held is taken over ten seconds later, and dropped if it is stored already; so is what
        // NATS has again after it was killed although it was acknowledged
        await eventually(async () => expect(await inTheQueue()).toEqual([0, 0, 0, 0]), 60_000);
        expect(await stack.sql('select reason from tocsin.dead_letter')).toEqual([]);
      },
      limitMs(sized(1_200, 120)),
    );

    async function inTheQueue(): Promise<number[]> {
      const client = await connect({ servers: new URL(nats.url).host });
      try {
        const manager = await jetstreamManager(client);
        const streams = ['urgent', 'common', 'suspects', 'given-up'].map((kind) => `${PREFIX}alerts-${kind}`);
        return await Promise.all(streams.map(async (name) => (await manager.streams.info(name)).state.messages));
      } finally {
        await client.close();
      }
    }
  });
});
