import { hintOf, Unavailable } from '@tocsin/contracts';
import {
  AnnounceEntries,
  type AppendedEvent,
  type EventBus,
  type EventLog,
  type PublishedHint,
} from '@tocsin/contracts/ports';
import { aTenant, anEntry, eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { FlushFolds } from './flush-folds';

const log = createLogger({ app: 'test', level: 'silent' });
const tenant_id = aTenant('bakery');
const appended = (seq: number): AppendedEvent => ({
  tenant_id,
  epoch: 'e1',
  seq,
  fp: `fp-${seq}`,
  prev_fp: `fp-${seq - 1}`,
  entry: anEntry({ tenant_id, seq, event_id: `message ${seq}`, alert_id: 'flour', change: 'repeated', folded: 7 }),
});

/** An event log with due entries, in the portions in which it appends them. An error stands for a call that fails. */
const logWith = (...portions: (AppendedEvent[] | Error)[]) => ({
  calls: 0,
  async appendFolded() {
    this.calls += 1;
    const portion = portions.shift() ?? [];
    if (portion instanceof Error) throw portion;
    return portion;
  },
});

describe('appending folded repeats', () => {
  let hints: PublishedHint[];
  let busTrouble: Error | undefined;
  let metrics: Metrics;
  const bus = {
    publish: async (published: readonly PublishedHint[]) =>
      void (busTrouble ? await Promise.reject(busTrouble) : hints.push(...published)),
  };
  const flushFolds = (eventLog: object, everyMs?: number) =>
    new FlushFolds(eventLog as EventLog, new AnnounceEntries(bus as unknown as EventBus, metrics, log), log, everyMs);
  beforeEach(() => {
    hints = [];
    busTrouble = undefined;
    metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 10 });
  });

  it('announces what the event log has appended, portion by portion, until nothing is due', async () => {
    const eventLog = logWith([appended(4), appended(5)], [appended(6)]);
    await flushFolds(eventLog).flush();
    expect(hints).toEqual([4, 5, 6].map((seq) => ({ tenant_id, ...hintOf(appended(seq)) })));
    expect(eventLog.calls).toBe(3);
  });

  it('goes on when the bus is away: the gateways read the log', async () => {
    busTrouble = new Unavailable('bus', 'the test says so');
    const eventLog = logWith([appended(4)], [appended(5)]);
    await flushFolds(eventLog).flush();
    expect(eventLog.calls).toBe(3);
    expect((await metrics.publishFailures.get()).values[0]!.value).toBe(2);
  });

  it('runs again, also after the event log was away, and no more once it is stopped', async () => {
    const eventLog = logWith([], new Unavailable('log', 'the test says so'), [appended(4)]);
    const flushing = flushFolds(eventLog, 5);
    flushing.start();
    flushing.start();
    await eventually(() => expect(hints).toHaveLength(1));
    await flushing.stop();
    await flushing.stop();
    const { calls } = eventLog;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(eventLog.calls).toBe(calls);
  });
});
