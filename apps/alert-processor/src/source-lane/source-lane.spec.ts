import { MAX_MESSAGE_BYTES } from '@tocsin/messages';
import type { DeadDelivery, SourceQueue } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import type { Metrics } from '@tocsin/observability';
import type { BatchMessage, BatchOutcome, HandleBatch } from '../handle-batch';
import { Outage } from './outage';
import { SourceLane } from './source-lane';
import { silent, testMetrics } from './testing/lanes';
import { deliveryOf, RecordingSession } from './testing/recording-session';

const QUEUE: SourceQueue = { name: 'alerts', kind: 'common', prefetch: 2_000, parks: true };
const textOf = ({ body }: BatchMessage): string => body.toString();
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const allStored = (batch: readonly BatchMessage[]): BatchOutcome => ({
  kind: 'settled',
  outcomes: batch.map(() => ({ outcome: 'stored' })),
});

describe('a lane of a source', () => {
  let batches: BatchMessage[][];
  let buried: string[];
  let buryTrouble: (() => Error) | undefined;
  let handle: HandleBatch;
  let session: RecordingSession;
  let metrics: Metrics;
  let outage: Outage;
  let lane: SourceLane;

  const open = (queue: Partial<SourceQueue> = {}) => {
    lane = new SourceLane(
      { ...QUEUE, ...queue },
      (batch) => {
        batches.push([...batch]);
        return handle(batch);
      },
      {
        bury: async (dead: readonly DeadDelivery[]) => {
          if (buryTrouble) throw buryTrouble();
          buried.push(...dead.map(({ delivery, reason }) => `${delivery.message.body.toString()}: ${reason}`));
        },
      },
      outage,
      silent,
      metrics,
    );
    lane.opened(session);
  };
  const deliver = async (...bodies: string[]) => {
    for (const body of bodies) lane.delivered(deliveryOf(body));
    await turn();
  };
  const handed = () => batches.map((batch) => batch.map(textOf));
  beforeEach(() => {
    [batches, buried, buryTrouble] = [[], [], undefined];
    session = new RecordingSession();
    metrics = testMetrics();
    outage = new Outage(async () => true);
    handle = async (batch) => allStored(batch);
    open();
  });

  describe('makes batches', () => {
    /** Settles the batches under way, and all later ones. */
    let settleAll: () => void;
    beforeEach(() => {
      jest.useFakeTimers({
        doNotFake: ['setImmediate', 'clearImmediate', 'nextTick', 'queueMicrotask', 'performance'],
      });
      const settled = new Promise<void>((resolve) => (settleAll = resolve));
      handle = async (batch) => {
        await settled;
        return allStored(batch);
      };
    });
    afterEach(async () => {
      settleAll();
      await lane.stop(Promise.resolve());
      lane.lost();
      expect(jest.getTimerCount()).toBe(0);
      jest.useRealTimers();
    });

    it('hands over at once what came in one turn, when no batch is under way', async () => {
      await deliver('0', '1');
      expect(handed()).toEqual([['0', '1']]);
    });

    it('keeps what arrives while a batch is under way, and hands it over together when that is settled', async () => {
      await deliver('0');
      for (const body of ['1', '2', '3']) await deliver(body);
      expect(handed()).toEqual([['0']]);

      settleAll();
      await turn();
      await turn();

      expect(handed()).toEqual([['0'], ['1', '2', '3']]);
      expect(session.told).toEqual(['up to 0', 'up to 3']);
    });

    it('does not keep messages for long behind a slow batch', async () => {
      await deliver('0');
      await deliver('1');
      jest.advanceTimersByTime(24);
      await deliver('2');
      expect(handed()).toEqual([['0']]);
      jest.advanceTimersByTime(1);
      expect(handed()).toEqual([['0'], ['1', '2']]);

      await deliver('3');
      jest.advanceTimersByTime(25);
      expect(handed()).toEqual([['0'], ['1', '2'], ['3']]);
    });

    it('hands over another batch while one is under way when enough messages wait, and never more batches than allowed', async () => {
      const many = Array.from({ length: 64 }, (_, n) => String(n));
      for (let batch = 0; batch < 5; batch += 1) await deliver(...many);
      jest.advanceTimersByTime(1_000);
      expect(handed()).toEqual([many, many, many, many]);
    });

    it('puts at most 500 messages and 4 MiB in a batch', async () => {
      await deliver(...Array.from({ length: 501 }, () => 'x'));
      expect(batches.map(({ length }) => length)).toEqual([500]);
      const large = 'x'.repeat(MAX_MESSAGE_BYTES); // 64 KiB, and one small one waits already
      await deliver(...Array.from({ length: 100 }, () => large));
      expect(batches[1]!.length).toBe(64);
    });

    it('hands over the messages that it kept before it stops', async () => {
      await deliver('0');
      await deliver('1');
      const stopped = lane.stop(Promise.resolve());
      settleAll();
      await stopped;
      expect(handed()).toEqual([['0'], ['1']]);
      expect(session.told).toEqual(['up to 0', 'up to 1']);
    });
  });

  describe('lets messages go', () => {
    afterEach(async () => {
      outage.stop();
      await lane.stop(Promise.resolve());
      lane.lost();
    });

    it('hands the same batch over again, after a pause, while a dependency is away or the handler fails', async () => {
      const answers: (() => BatchOutcome)[] = [
        () => ({ kind: 'retry', reason: 'the test says so' }),
        () => {
          throw new Error('the test says so');
        },
        () => ({ kind: 'settled', outcomes: [] }),
      ];
      handle = async (batch) => (answers.shift() ?? (() => allStored(batch)))();
      await deliver('0', '1');
      expect(session.told).toEqual([]);
      await eventually(() => expect(session.told).toEqual(['up to 1']));
      expect(handed()).toEqual(Array.from({ length: 4 }, () => ['0', '1']));
    });

    it('acknowledges a late message once its outcome is known, and handles it again, alone, when that failed', async () => {
      const results: Promise<{ outcome: 'stored' }>[] = [
        Promise.reject(new Error('the test says so')),
        Promise.resolve({ outcome: 'stored' }),
      ];
      handle = async (batch) => ({
        kind: 'settled',
        outcomes: batch.map((message) =>
          textOf(message) === 'long' ? { outcome: 'late', result: results.shift()! } : { outcome: 'stored' },
        ),
      });
      await deliver('0', 'long', '1');
      await eventually(() => expect(session.told).toEqual(['ack 0', 'ack 1', 'ack long']));
      expect(handed()).toEqual([['0', 'long', '1'], ['long']]);
    });

    it('buries the dead before they leave', async () => {
      const order: string[] = [];
      handle = async (batch) => ({
        kind: 'settled',
        outcomes: batch.map((message) =>
          textOf(message) === 'dead' ? { outcome: 'dead', reason: 'invalid_json' } : { outcome: 'stored' },
        ),
      });
      await deliver('0', 'dead');
      order.push(...buried, ...session.told);
      expect(order).toEqual(['dead: invalid_json', 'up to dead']);
    });

    it('keeps a dead message that cannot be buried yet, and acknowledges the others', async () => {
      buryTrouble = () => new Error('the test says so');
      handle = async (batch) => ({
        kind: 'settled',
        outcomes: batch.map((message) =>
          textOf(message) === 'dead' ? { outcome: 'dead', reason: 'invalid_json' } : { outcome: 'stored' },
        ),
      });
      await deliver('0', 'dead', '1');
      expect(session.told).toEqual(['ack 0', 'ack 1']);
      buryTrouble = undefined;
      await eventually(() => expect(session.told).toEqual(['ack 0', 'ack 1', 'ack dead']));
      expect(buried).toEqual(['dead: invalid_json']);
    });

    it('says why dead letters are not buried, and again once a minute while that lasts', async () => {
      const warn = jest.spyOn(silent, 'warn');
      const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
      let tries = 0;
      const trouble = new Error('the test says so');
      buryTrouble = () => {
        tries += 1;
        return trouble;
      };
      handle = async (batch) => ({
        kind: 'settled',
        outcomes: batch.map(() => ({ outcome: 'dead', reason: 'invalid_json' })),
      });
      const afterTries = (more: number) => {
        const from = tries;
        return eventually(() => expect(tries - from).toBeGreaterThanOrEqual(more), 20_000);
      };
      try {
        await deliver('dead', 'dead too');
        await deliver('dead in another batch');
        await afterTries(3);
        expect(warn.mock.calls).toEqual([[{ queue: 'alerts', err: trouble }, expect.any(String)]]);
        now.mockReturnValue(62_000);
        await afterTries(3);
        expect(warn).toHaveBeenCalledTimes(2);
        expect(warn.mock.calls[1]).toEqual(warn.mock.calls[0]);
      } finally {
        buryTrouble = undefined;
        now.mockRestore();
        warn.mockRestore();
      }
      await eventually(() => expect(buried).toHaveLength(3), 20_000);
    });

    it('parks a message that came back twice or is too large, and only where the queue parks', async () => {
      lane.delivered(deliveryOf('once', 1));
      lane.delivered(deliveryOf('twice', 2));
      lane.delivered(deliveryOf('x'.repeat(MAX_MESSAGE_BYTES + 1)));
      await turn();
      expect(session.told).toEqual(['park twice', 'park large', 'up to once']);
      expect(handed()).toEqual([['once']]);
      expect((await metrics.sourceSuspects.get()).values[0]!.value).toBe(2);
      expect((await metrics.sourceRedeliveries.get()).values[0]!.value).toBe(2);

      open({ parks: false });
      lane.delivered(deliveryOf('twice', 2));
      await turn();
      expect(handed()).toEqual([['once'], ['twice']]);
    });

    it.each([
      ['suspects', { suspect: true }],
      ['given_up', { given_up: 'delivery_limit' }],
    ] as const)('marks what comes from the queue of %s', async (kind, mark) => {
      open({ kind, parks: false, prefetch: 1 });
      await deliver('0');
      expect(batches).toEqual([[expect.objectContaining(mark)]]);
    });

    it('acknowledges nothing of what a lost session delivered, and takes nothing from it', async () => {
      let settle!: () => void;
      const settled = new Promise<void>((resolve) => (settle = resolve));
      handle = async (batch) => {
        await settled;
        return allStored(batch);
      };
      await deliver('0');
      await deliver('1');
      lane.lost();
      expect(lane.idle).toBe(true);
      await deliver('2');
      const next = new RecordingSession();
      lane.opened(next);
      settle();
      await turn();
      expect([session.told, next.told, handed()]).toEqual([[], [], [['0']]]);
      await deliver('0 again');
      await turn();
      expect(next.told).toEqual(['up to 0 again']);
    });

    it('gives back what it holds when it is stopped during an outage', async () => {
      outage = new Outage(async () => false);
      open();
      handle = async () => ({ kind: 'retry', reason: 'the test says so' });
      await deliver('0');
      await deliver('1', '2');
      outage.stop();
      await lane.stop(Promise.resolve());
      expect(session.told).toEqual(['back 0', 'back 1', 'back 2']);
      expect(lane.idle).toBe(true);
    });

    it('asks for no messages during an outage', async () => {
      let isAway = true;
      outage = new Outage(async () => !isAway);
      open();
      handle = async (batch) => (isAway ? { kind: 'retry', reason: 'the test says so' } : allStored(batch));
      await expect(lane.untilWanted()).resolves.toBeUndefined();
      await deliver('0');
      let wanted = false;
      void lane.untilWanted().then(() => (wanted = true));
      await turn();
      expect(wanted).toBe(false);
      isAway = false;
      await eventually(() => expect(wanted).toBe(true));
    });
  });
});
