import type { Membership } from '@tocsin/contracts';
import type { Metrics, ScreenPart, Trace } from '@tocsin/observability';
import type { FanOutSpans, PassedHops } from '../feeds/fan-out-spans';
import type { ShownBody } from './shown-body';

/** A message whose `occurred_at` is older than this when it is taken off the queue reports something of the past. */
const PAST_MS = 5 * 60_000;

/**
 * Observes how long traced entries took until a client showed them, with the part of each hop. The client's clock is
 * corrected; entries that this gateway has not written, or no longer knows, are passed over.
 */
export class ObserveShown {
  constructor(
    private readonly spans: FanOutSpans,
    private readonly trace: Trace,
    private readonly metrics: Pick<Metrics, 'publishToScreen'>,
  ) {}

  /** `received`: when the report came. What the gateway does before this call is no part of its way. */
  observe({ sent_at, clock_offset_ms, shown }: ShownBody, tenants: readonly Membership[], received: number): void {
    const mine = new Set<string>(tenants.map(({ tenant_id }) => tenant_id));
    const offset = offsetOf(received - sent_at, clock_offset_ms);
    for (const { tenant_id, seq, shown_at } of shown) {
      const hops = mine.has(tenant_id) ? this.spans.find(tenant_id, seq) : undefined;
      // nothing is shown before it was written, or after it was reported
      if (hops) this.observeOne(hops, Math.min(received, Math.max(hops.written, shown_at + offset)));
    }
  }

  private observeOne(hops: PassedHops, shown: number): void {
    const { trace: parent, written } = hops;
    this.trace.begin('shown', { kind: 'client', parent, at: written })?.end({ at: shown });
    for (const [part, ms] of Object.entries(partsOf(hops, shown)))
      // the clocks of two machines differ: what seems to end before it began counts as 0
      this.metrics.publishToScreen.observe({ part: part as ScreenPart }, Math.max(0, ms) / 1_000);
  }
}

/**
 * The parts in milliseconds. An entry of which no hint came, because the bus was away, has only the last two and the
 * total: without it the slowest entries would be the ones that are not counted.
 */
function partsOf(
  { occurred, taken, stored, arrived, written }: PassedHops,
  shown: number,
): Partial<Record<ScreenPart, number>> {
  const here = { fan_out: written - arrived, screen: shown - written };
  const isLive = (taken ?? arrived) - occurred < PAST_MS; // false for NaN
  if (taken === undefined || stored === undefined) return { ...here, ...(isLive && { total: shown - occurred }) };
  return {
    ...(isLive && { queue: taken - occurred }),
    store: stored - taken,
    announce: arrived - stored,
    ...here,
    total: shown - (isLive ? Math.min(occurred, taken) : taken),
  };
}

/**
 * What has to be added to a time of the client, in milliseconds. The report says too much by its way to us, and the
 * heartbeat too little by its way to the client: in the mean the two cancel out where they are equal, as in NTP.
 */
const offsetOf = (byReport: number, byHeartbeat: number | undefined): number =>
  byHeartbeat === undefined ? byReport : (byReport + byHeartbeat) / 2;
