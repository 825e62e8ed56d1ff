import { hintOf, type HopTimes, type TenantId } from '@tocsin/contracts';
import { aTenant, anEntry } from '@tocsin/contracts/testing';
import type { VerifiedToken } from '@tocsin/auth';
import { Metrics } from '@tocsin/observability';
import { SpansInMemory } from '@tocsin/observability/testing';
import type { VisibleTenants } from '../access/visible-tenants';
import { FanOutSpans } from '../feeds/fan-out-spans';
import { EntryBatch } from '../frames/entry-batch';
import { ObserveShown } from './observe-shown';
import { ShownController } from './shown.controller';

const bakery = aTenant('bakery');
const trace = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331', sampled: true };
const NOON = Date.parse('2026-01-02T12:00:00.000Z');

describe('what a client has shown', () => {
  let spans: SpansInMemory;
  let metrics: Metrics;
  let fanOut: FanOutSpans;
  let shown: ObserveShown;
  beforeEach(() => {
    jest.useFakeTimers({ now: NOON });
    spans = new SpansInMemory();
    spans.now = () => Date.now();
    metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
    fanOut = new FanOutSpans(spans);
    shown = new ObserveShown(fanOut, spans, metrics);
  });
  afterEach(() => jest.useRealTimers());

  /** An entry of this time that arrives in the gateway now and is written 4 ms later. */
  const stream = (seq: number, occurred: number | null, hops?: HopTimes) => {
    const occurred_at = occurred === null ? null : new Date(occurred).toISOString();
    const entry = anEntry({ tenant_id: bakery, seq, occurred_at });
    const hint = { ...hintOf({ epoch: 'e', seq, fp: `f${seq}`, prev_fp: null, entry, trace }), hops };
    fanOut.hinted(bakery, hint);
    fanOut.arrived(hint);
    jest.setSystemTime(Date.now() + 4);
    fanOut.written(bakery, new EntryBatch([hint]));
  };
  const membershipsOf = (tenants: readonly TenantId[]) =>
    tenants.map((tenant_id) => ({ tenant_id, name: '', role: 'member' as const }));
  const report = (seq: number, by: { shownAt: number; sentAt: number; offset?: number }, tenants = [bakery]) =>
    shown.observe(
      {
        sent_at: by.sentAt,
        ...(by.offset !== undefined && { clock_offset_ms: by.offset }),
        shown: [{ tenant_id: 'bakery', seq, shown_at: by.shownAt }],
      },
      membershipsOf(tenants),
      Date.now(),
    );
  const parts = async () => {
    const { values } = await metrics.publishToScreen.get();
    const sums = values.filter(({ metricName, value }) => metricName?.endsWith('_sum') && value > 0);
    return Object.fromEntries(sums.map(({ labels, value }) => [labels.part, Math.round(value * 1_000)]));
  };
  const hops: HopTimes = { taken: NOON - 60, stored: NOON - 20 };

  it('is measured in parts that add up, and its span continues the entry', async () => {
    stream(1, NOON - 100, hops);
    jest.setSystemTime(NOON + 500);
    report(1, { shownAt: NOON + 30, sentAt: NOON + 500, offset: 0 });
    expect(await parts()).toEqual({ queue: 40, store: 40, announce: 20, fan_out: 4, screen: 26, total: 130 });
    expect(spans.ended.at(-1)).toMatchObject({
      name: 'shown',
      parent: trace.span_id,
      at: NOON + 4,
      endedAt: NOON + 30,
    });
  });

  it('is corrected by the clock of the client, which is an hour fast, with a way of 10 ms each way', async () => {
    const HOUR = 3_600_000;
    stream(1, null, hops);
    jest.setSystemTime(NOON + 510);
    // it sent at 500 by our clock, and the heartbeat came 10 ms after the time in it
    report(1, { shownAt: NOON + 30 + HOUR, sentAt: NOON + 500 + HOUR, offset: -HOUR - 10 });
    expect(await parts()).toMatchObject({ screen: 26, total: 90 });
  });

  it.each([
    ['with', 0, 26],
    ['without', undefined, 36], // only the report tells of the clock then: its way of 10 ms counts
  ])('does not include the look-up of the tenants, %s a clock by heartbeats', async (_, offset, screen) => {
    stream(1, null, hops);
    jest.setSystemTime(NOON + 510);
    const of = () => {
      jest.setSystemTime(NOON + 4_510);
      return Promise.resolve(membershipsOf([bakery]));
    };
    const controller = new ShownController(shown, { of } as unknown as VisibleTenants);
    const body = { sent_at: NOON + 500, shown: [{ tenant_id: 'bakery', seq: 1, shown_at: NOON + 30 }] };
    const heartbeat = offset === undefined ? {} : { clock_offset_ms: offset - 10 };
    await controller.reportShown({ ...body, ...heartbeat }, {} as VerifiedToken);
    expect(await parts()).toMatchObject({ screen });
    expect(spans.ended.at(-1)!.endedAt).toBe(NOON + 4 + screen);
  });

  it('is neither before it was written nor after it was reported', async () => {
    stream(1, null, hops);
    jest.setSystemTime(NOON + 500);
    report(1, { shownAt: NOON - 5_000, sentAt: NOON + 500, offset: 0 });
    expect(spans.ended.at(-1)!.endedAt).toBe(NOON + 4);
    report(1, { shownAt: NOON + 9_000, sentAt: NOON + 500, offset: 0 });
    expect(spans.ended.at(-1)!.endedAt).toBe(NOON + 500);
  });

  it('has no queue when the message tells of the past', async () => {
    stream(1, NOON - 3_600_000, hops);
    jest.setSystemTime(NOON + 500);
    report(1, { shownAt: NOON + 30, sentAt: NOON + 500, offset: 0 });
    expect(await parts()).toEqual({ store: 40, announce: 20, fan_out: 4, screen: 26, total: 90 });
  });

  it('has only the last parts and the total when no hint of it came', async () => {
    stream(1, NOON - 100);
    stream(2, NOON - 3_600_000);
    jest.setSystemTime(NOON + 500);
    report(1, { shownAt: NOON + 30, sentAt: NOON + 500, offset: 0 });
    expect(await parts()).toEqual({ fan_out: 4, screen: 26, total: 130 });
    metrics.publishToScreen.reset();
    report(2, { shownAt: NOON + 30, sentAt: NOON + 500, offset: 0 });
    expect(await parts()).toEqual({ fan_out: 4, screen: 22 });
  });

  it('has all parts when its hint came after it was read from the log', async () => {
    stream(1, NOON - 100);
    const entry = anEntry({ tenant_id: bakery, seq: 1 });
    fanOut.hinted(bakery, { ...hintOf({ epoch: 'e', seq: 1, fp: 'f1', prev_fp: null, entry, trace }), hops });
    jest.setSystemTime(NOON + 500);
    report(1, { shownAt: NOON + 30, sentAt: NOON + 500, offset: 0 });
    expect(await parts()).toEqual({ queue: 40, store: 40, announce: 20, fan_out: 4, screen: 26, total: 130 });
  });

  it('is passed over when it is of another tenant, or not one of the newest', async () => {
    stream(1, null, hops);
    report(1, { shownAt: NOON, sentAt: NOON, offset: 0 }, [aTenant('dairy')]);
    report(7, { shownAt: NOON, sentAt: NOON, offset: 0 });
    for (let seq = 2; seq <= 1_001; seq += 1) stream(seq, null, hops);
    report(1, { shownAt: Date.now(), sentAt: Date.now(), offset: 0 });
    expect(await parts()).toEqual({});
    report(2, { shownAt: Date.now(), sentAt: Date.now(), offset: 0 });
    expect(Object.keys(await parts())).toContain('total');
  });
});
