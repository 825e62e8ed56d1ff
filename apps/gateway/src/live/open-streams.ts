import type { Metrics } from '@tocsin/observability';
import type { EventStream } from './event-stream';

/** The wheel's slots: the heartbeats of one period are spread over so many moments. */
const SLOTS = 50;

/** How many heartbeats ahead: a busy process beats late. */
const EXPIRY_AHEAD = 2;
/** How exactly a right's end is kept: a stream ends within 1 s of it. */
const EXPIRY_CHECK_MS = 250;
/** How far the wall clock may run ahead of the monotonic one from look to look: beyond it somebody has set it. */
const CLOCK_JUMP_MS = 100;

/** The streams that this gateway has open, and the one clock that their heartbeats and the ends of their rights run on. */
export class OpenStreams {
  private readonly slots: Set<EventStream>[] = Array.from({ length: SLOTS }, () => new Set());
  /** Those whose right ends before their next heartbeat would look at it. */
  private readonly expiring = new Set<EventStream>();
  private expiryTimer: NodeJS.Timeout | undefined;
  /** The wall clock less the monotonic one, at the last look. */
  private clockOffset = 0;
  /** Streams that were closed as slow since the start. */
  closedSlow = 0;
  private turn = 0;
  private count = 0;
  private timer: NodeJS.Timeout | undefined;
  private draining = false;

  constructor(
    private readonly heartbeatMs: number,
    /** Over how long the streams are let go when the gateway stops. */
    private readonly drainMs: number,
    private readonly metrics: Metrics,
  ) {}

  get size(): number {
    return this.count;
  }

  get open(): EventStream[] {
    return this.slots.flatMap((slot) => [...slot]);
  }

  get isDraining(): boolean {
    return this.draining;
  }

  /** Keeps a stream until it ends. */
  add(stream: EventStream): void {
    // half a period to a whole one from now, so that streams that come back together do not beat together
    const slot = this.slots[(this.turn + Math.floor((SLOTS * (1 + Math.random())) / 2)) % SLOTS]!;
    slot.add(stream);
    this.count += 1;
    this.metrics.sseConnections.inc();
    if (this.timer === undefined) this.wake();
    stream.whenEnded((reason) => {
      if (reason === 'slow') this.closedSlow += 1;
      slot.delete(stream);
      this.expiring.delete(stream);
      this.metrics.sseConnections.dec();
      this.count -= 1;
      if (this.count === 0) this.rest();
    });
    this.lookAtExpiry(stream, Date.now());
  }

  /**
   * Takes no more streams and ends those that are open, each at a random moment of the window, so that their clients do
   * not arrive at the other gateways as one. Resolves once all have ended. May be called twice.
   */
  async drain(): Promise<void> {
    this.draining = true;
    const { open } = this;
    const timers = open.map((stream) => setTimeout(() => stream.close('draining'), Math.random() * this.drainMs));
    await Promise.all(open.map((stream) => new Promise((ended) => stream.whenEnded(ended))));
    for (const timer of timers) clearTimeout(timer);
    this.rest();
  }

  private beat(): void {
    const now = new Date();
    for (const stream of this.slots[this.turn]!) {
      stream.heartbeat(now);
      this.lookAtExpiry(stream, now.getTime());
    }
    this.turn = (this.turn + 1) % SLOTS;
  }

  private wake(): void {
    this.timer = setInterval(() => this.beat(), this.heartbeatMs / SLOTS);
    this.expiryTimer = setInterval(() => this.expire(), EXPIRY_CHECK_MS);
    this.clockOffset = Date.now() - performance.now();
  }

  /** A timer a stream would be the most that an idle one costs: only those are looked at often that have little time left. */
  private lookAtExpiry(stream: EventStream, now: number): void {
    if (stream.closed || stream.leftMs(now) > this.heartbeatMs * EXPIRY_AHEAD) return;
    this.expiring.add(stream);
    if (stream.leftMs(now) <= 0) stream.close('token_expired');
  }

  private expire(): void {
    const now = Date.now();
    const offset = now - performance.now();
    // a clock that was set ahead has passed ends that were far away: everybody is looked at once
    if (offset - this.clockOffset > CLOCK_JUMP_MS) for (const stream of this.open) this.lookAtExpiry(stream, now);
    this.clockOffset = offset;
    for (const stream of this.expiring) if (stream.leftMs(now) <= 0) stream.close('token_expired');
  }

  private rest(): void {
    clearInterval(this.timer);
    clearInterval(this.expiryTimer);
    this.timer = undefined;
    this.expiryTimer = undefined;
  }
}
