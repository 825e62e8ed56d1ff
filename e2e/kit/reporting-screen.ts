import { ask } from './http';
import { Series } from './metric-series';
import type { AppProcess } from './processes';
import { SseStream } from './sse-client';

/** The parts of the way to the screen, as `tocsin_publish_to_screen_seconds` has them. */
export const PARTS = ['queue', 'store', 'announce', 'fan_out', 'screen', 'total'] as const;
export type Part = (typeof PARTS)[number];
/** How long one alert took in each part, in milliseconds. */
export type Parts = Record<Part, number>;

/**
 * A client that shows entries at once and reports it, with the offset of the clock that its stream has told it, as the
 * React client does. Only one may report to a gateway at a time: what an alert took is what the gateway's sums gained.
 */
export class ReportingScreen {
  private constructor(
    private readonly gateway: AppProcess,
    /** The address under which the client knows the gateway. */
    private readonly url: string,
    private readonly token: string,
    private readonly stream: SseStream,
    private readonly clockOffsetMs: number,
  ) {}

  static async open(gateway: AppProcess, url: string, token: string): Promise<ReportingScreen> {
    const stream = await SseStream.open(`${url}/api/events`, { headers: { Authorization: `Bearer ${token}` } });
    const { data, receivedAt } = await stream.frame('connection');
    const { server_time } = JSON.parse(data) as { server_time: string };
    const offset = Date.parse(server_time) - epochMs(receivedAt);
    return new ReportingScreen(gateway, url, token, stream, Math.round(offset));
  }

  /** Shows the entry of this message, and reports it at once. */
  async partsOf(eventId: string): Promise<Parts> {
    const { data, receivedAt } = await this.stream.entry(eventId);
    const { tenant_id, seq } = JSON.parse(data) as { tenant_id: string; seq: number };
    const before = await Series.of(this.gateway);
    const { status, text } = await ask(this.url, '/api/v1/me/shown', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.token}` },
      body: JSON.stringify({
        sent_at: Date.now(),
        clock_offset_ms: this.clockOffsetMs,
        shown: [{ tenant_id, seq, shown_at: Math.round(epochMs(receivedAt)) }],
      }),
    });
    if (status !== 204) throw new Error(`The report was answered with ${status}: ${text}`);
    const after = await Series.of(this.gateway);
    const gained = (part: Part, what: 'sum' | 'count') => {
      const key = `tocsin_publish_to_screen_seconds_${what}{part="${part}"}`;
      return after.value(key) - before.value(key);
    };
    const counts = PARTS.map((part) => gained(part, 'count'));
    if (counts.some((count) => count !== 1)) throw new Error(`${eventId} was observed so often: ${String(counts)}`);
    return Object.fromEntries(PARTS.map((part) => [part, gained(part, 'sum') * 1_000])) as Parts;
  }

  close(): void {
    this.stream.close();
  }
}

const epochMs = (monotonic: number): number => performance.timeOrigin + monotonic;
