import type { ClosedStream } from '@tocsin/contracts';
import type { Metrics } from '@tocsin/observability';
import type { EndListener, EventStream } from './event-stream';
import { HeartbeatWheel } from './heartbeat-wheel';

/** How many closed streams are remembered. */
const CLOSED = 20;

/**
 * The open streams of this gateway: it counts them, has heartbeats sent to them, and ends them when the gateway stops.
 */
export class OpenStreams {
  private readonly streams = new Set<EventStream>();
  private readonly wheel: HeartbeatWheel;
  private draining = false;
  /** How many streams were closed as slow since the start. */
  closedSlow = 0;
  /** The last streams that were closed, the last one first. */
  readonly lastClosed: ClosedStream[] = [];

  constructor(
    heartbeatMs: number,
    /** The time over which the streams are ended when the gateway stops, in milliseconds. */
    private readonly drainMs: number,
    private readonly metrics: Pick<Metrics, 'sseConnections'>,
  ) {
    this.wheel = new HeartbeatWheel(heartbeatMs);
  }

  get size(): number {
    return this.streams.size;
  }

  get open(): EventStream[] {
    return [...this.streams];
  }

  get isDraining(): boolean {
    return this.draining;
  }

  /** Keeps a stream until it ends. */
  add(stream: EventStream): void {
    this.streams.add(stream);
    this.metrics.sseConnections.inc();
    stream.whenEnded(this.onEnded);
    this.wheel.add(stream);
  }

  /** One listener for all streams, as one for each takes memory. */
  private readonly onEnded: EndListener = (reason, stream) => {
    if (reason === 'slow') this.closedSlow += 1;
    this.lastClosed.unshift({ reason, at: new Date().toISOString() });
    this.lastClosed.splice(CLOSED);
    this.streams.delete(stream);
    this.metrics.sseConnections.dec();
  };

  /**
   * Accepts no more streams and ends the open ones, each at a random moment of the window, so that their clients do not
   * all reach the other gateways at the same time. Resolves once all have ended. May be called twice.
   */
  async drain(): Promise<void> {
    this.draining = true;
    const { open } = this;
    const timers = open.map((stream) => setTimeout(() => stream.close('draining'), Math.random() * this.drainMs));
    await Promise.all(open.map((stream) => new Promise<void>((ended) => stream.whenEnded(() => ended()))));
    for (const timer of timers) clearTimeout(timer);
  }
}
