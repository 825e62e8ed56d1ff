import { hintOf, Unavailable } from '@tocsin/contracts';
import {
  AnnounceEntries,
  type AlertActs,
  type AppendedEvent,
  type EventBus,
  type PublishedHint,
} from '@tocsin/contracts/ports';
import { aTenant, anEntry, eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { WakeSnoozed } from './wake-snoozed';

const log = createLogger({ app: 'test', level: 'silent' });
const tenant_id = aTenant('bakery');
const appended = (seq: number): AppendedEvent => ({
  tenant_id,
  epoch: 'e1',
  seq,
  fp: `fp-${seq}`,
  prev_fp: `fp-${seq - 1}`,
  entry: anEntry({
    tenant_id,
    seq,
    event_id: `message ${seq}`,
    alert_id: 'flour',
    change: 'unsnoozed',
    status: 'firing',
  }),
});

/** Due snoozes, in the portions in which the store ends them. An error stands for a call that fails. */
const actsWith = (...portions: (AppendedEvent[] | Error)[]) => ({
  calls: 0,
  plans: [] as boolean[],
  async wakeSnoozed(plans: boolean) {
    this.calls += 1;
    this.plans.push(plans);
    const portion = portions.shift() ?? [];
    if (portion instanceof Error) throw portion;
    return portion;
  },
});

describe('ending snoozes', () => {
  let hints: PublishedHint[];
  let rings: number;
  let busTrouble: Error | undefined;
  let metrics: Metrics;
  const bus = {
    publish: async (published: readonly PublishedHint[]) =>
      void (busTrouble ? await Promise.reject(busTrouble) : hints.push(...published)),
  };
  const wakeSnoozed = (acts: object, options?: ConstructorParameters<typeof WakeSnoozed>[4]) =>
    new WakeSnoozed(
      acts as AlertActs,
      new AnnounceEntries(bus as unknown as EventBus, metrics, log),
      { ring: async () => void (rings += 1), onRing: async () => ({ close: () => undefined }) },
      log,
      options,
    );
  beforeEach(() => {
    hints = [];
    rings = 0;
    busTrouble = undefined;
    metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 10 });
  });

  it('announces what the store has appended, portion by portion, until nothing is due', async () => {
    const acts = actsWith([appended(4), appended(5)], [appended(6)]);
    await wakeSnoozed(acts).wake();
    expect(hints).toEqual([4, 5, 6].map((seq) => ({ tenant_id, ...hintOf(appended(seq)) })));
    expect(acts.calls).toBe(3);
  });

  it('rings for the notifiers when a snooze has ended, and not otherwise', async () => {
    await wakeSnoozed(actsWith()).wake();
    expect(rings).toBe(0);
    await wakeSnoozed(actsWith([appended(4)], [appended(5)])).wake();
    expect(rings).toBe(1);
  });

  it('plans deliveries, and where they are off plans none and does not ring', async () => {
    const [on, off] = [actsWith([appended(4)]), actsWith([appended(5)])];
    await wakeSnoozed(on).wake();
    expect([...new Set(on.plans)]).toEqual([true]);
    await wakeSnoozed(off, { plans: false }).wake();
    expect([...new Set(off.plans)]).toEqual([false]);
    expect([hints.length, rings]).toEqual([2, 1]);
  });

  it('goes on when the bus is away: the gateways read the log', async () => {
    busTrouble = new Unavailable('bus', 'the test says so');
    const acts = actsWith([appended(4)], [appended(5)]);
    await wakeSnoozed(acts).wake();
    expect(acts.calls).toBe(3);
    expect((await metrics.publishFailures.get()).values[0]!.value).toBe(2);
  });

  it('runs again, also after the store was away, and no more once it is stopped', async () => {
    const acts = actsWith([], new Unavailable('log', 'the test says so'), [appended(4)]);
    const waking = wakeSnoozed(acts, { everyMs: 5 });
    waking.start();
    waking.start();
    await eventually(() => expect(hints).toHaveLength(1));
    await waking.stop();
    await waking.stop();
    const { calls } = acts;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(acts.calls).toBe(calls);
  });
});
