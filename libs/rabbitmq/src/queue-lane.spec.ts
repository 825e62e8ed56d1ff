import { EventEmitter } from 'node:events';
import type { HandleBatch, ReceivedMessage } from '@tocsin/contracts/ports';
import { createLogger, Metrics } from '@tocsin/observability';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { Outage } from './outage';
import { QueueLane } from './queue-lane';

describe('a lane of a queue', () => {
  let batches: string[][];
  let acknowledged: string[];
  /** Settles the batches that are under way, and those that come later. */
  let settleAll: () => void;
  let deliver: (...bodies: string[]) => Promise<void>;
  let lane: QueueLane;

  beforeEach(async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'clearImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
    [batches, acknowledged] = [[], []];
    const settled = new Promise<void>((resolve) => (settleAll = resolve));
    const handle: HandleBatch = async (batch) => {
      batches.push(batch.map(textOf));
      await settled;
      return { kind: 'settled', outcomes: batch.map(() => ({ outcome: 'stored' })) };
    };
    const options = { queue: 'alerts', prefetch: 2_000, maxBatch: 500, maxBatchBytes: 1_000_000, maxInFlight: 4 };
    const [log, metrics] = [
      createLogger({ app: 'test', level: 'silent' }),
      new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 }),
    ];
    lane = new QueueLane(options, handle, async () => undefined, new Outage(async () => true), log, metrics);
    const channel = new StandInChannel();
    channel.on('ack', (text: string) => acknowledged.push(text));
    await lane.attach(channel as unknown as ConfirmChannel, () => undefined);
    deliver = async (...bodies) => {
      for (const body of bodies)
        channel.onMessage({ content: Buffer.from(body), fields: {}, properties: {} } as ConsumeMessage);
      await turn();
    };
  });
  afterEach(async () => {
    settleAll();
    await lane.stop();
    lane.detach();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('hands over what came in one turn at once, when nothing is under way', async () => {
    await deliver('0', '1');
    expect(batches).toEqual([['0', '1']]);
  });

  it('keeps what arrives while a batch is under way, and hands it over together when that is settled', async () => {
    await deliver('0');
    for (const body of ['1', '2', '3']) await deliver(body);
    expect(batches).toEqual([['0']]);

    settleAll();
    await turn();
    await turn();

    expect(batches).toEqual([['0'], ['1', '2', '3']]);
    expect(acknowledged).toEqual(['0', '3']);
  });

  it('keeps nothing for long behind a batch that is slow', async () => {
    await deliver('0');
    await deliver('1');
    jest.advanceTimersByTime(24);
    await deliver('2');
    expect(batches).toEqual([['0']]);
    jest.advanceTimersByTime(1);
    expect(batches).toEqual([['0'], ['1', '2']]);

    await deliver('3');
    jest.advanceTimersByTime(25);
    expect(batches).toEqual([['0'], ['1', '2'], ['3']]);
  });

  it('hands over beside a batch under way what is worth one of its own, and no more of them than may be', async () => {
    const many = Array.from({ length: 64 }, (_, n) => String(n));
    for (let batch = 0; batch < 5; batch += 1) await deliver(...many);
    jest.advanceTimersByTime(1_000);
    expect(batches).toEqual([many, many, many, many]);
  });

  it('hands over what it kept before it stops', async () => {
    await deliver('0');
    await deliver('1');
    const stopped = lane.stop();
    settleAll();
    await stopped;
    expect(batches).toEqual([['0'], ['1']]);
    expect(acknowledged).toEqual(['0', '1']);
  });
});

/** As much of a channel as a lane uses. */
class StandInChannel extends EventEmitter {
  onMessage: (message: ConsumeMessage) => void = () => undefined;

  async prefetch(): Promise<void> {}

  async consume(_queue: string, onMessage: (message: ConsumeMessage) => void): Promise<{ consumerTag: string }> {
    this.onMessage = onMessage;
    return { consumerTag: 'one' };
  }

  async cancel(): Promise<void> {}

  ack({ content }: ConsumeMessage): void {
    this.emit('ack', content.toString());
  }
}

const textOf = ({ body }: ReceivedMessage): string => body.toString();
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
