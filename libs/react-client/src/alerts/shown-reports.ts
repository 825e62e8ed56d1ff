import type { Entry } from '@tocsin/contracts/wire';
import type { AlertStream } from '../alert-stream';
import type { AlertsApi } from './alerts-api';

/** How long reports are collected before they are sent together, in milliseconds. */
const COLLECT_MS = 2_000;
/** The most entries of one report. The rest of a flood is not reported. */
const MOST = 50;

/**
 * Tells the gateway when entries of traced alerts were shown, in small batches, so that it can measure the way to the
 * screen. Of the tabs that share a stream only the leading one reports, and a hidden page reports nothing. A report
 * that fails is dropped.
 */
export class ShownReports {
  private waiting: { tenant_id: string; seq: number; shown_at: number }[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly api: Pick<AlertsApi, 'call'>,
    private readonly stream: Pick<AlertStream, 'on' | 'status'>,
    /** Calls back once what the page shows now is painted. */
    private readonly whenPainted: (painted: () => void) => void = afterPaint,
  ) {}

  /** Begins to report. Returns a function that ends it. */
  attach(): () => void {
    const off = this.stream.on('entry', (entry, { replayed }) => {
      if (!replayed && this.stream.status.isLeader) this.take(entry);
    });
    return () => {
      off();
      clearTimeout(this.timer);
      this.timer = undefined;
      this.waiting = [];
    };
  }

  private take({ tenant_id, seq, trace_id }: Entry): void {
    if (trace_id === null) return;
    this.whenPainted(() => {
      if (this.waiting.length >= MOST) return;
      this.waiting.push({ tenant_id, seq, shown_at: Date.now() });
      this.timer ??= setTimeout(() => void this.send(), COLLECT_MS);
    });
  }

  private async send(): Promise<void> {
    this.timer = undefined;
    const shown = this.waiting;
    this.waiting = [];
    const clock_offset_ms = Math.round(this.stream.status.clockOffsetMs);
    try {
      await this.api.call('POST', '/me/shown', { body: { sent_at: Date.now(), clock_offset_ms, shown } });
    } catch {
      // it only serves a measurement
    }
  }
}

/** The frame after the next one begins when the next one is on the screen. A hidden page paints none. */
function afterPaint(painted: () => void): void {
  if (globalThis.document?.visibilityState !== 'visible') return;
  requestAnimationFrame(() => requestAnimationFrame(painted));
}
