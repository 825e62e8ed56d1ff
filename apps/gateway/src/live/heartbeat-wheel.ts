/** What the wheel does to a stream. */
export interface Beating {
  readonly closed: boolean;
  heartbeat(now: Date): void;
  /** How long there is a right to it, in milliseconds; none is left at 0 and below. */
  leftMs(now: number): number;
  close(reason: 'token_expired'): void;
  /** Calls back once, when it has ended; at once if it has. */
  whenEnded(listener: () => void): void;
}

/** The wheel's slots: the heartbeats of one period are spread over so many moments. */
const SLOTS = 50;
/** How many heartbeats ahead: a busy process beats late. */
const EXPIRY_AHEAD = 2;
/** How exactly a right's end is kept: a stream ends within 1 s of it. */
const EXPIRY_CHECK_MS = 250;
/** How far the wall clock may run ahead of the monotonic one from look to look: beyond it somebody has set it. */
const CLOCK_JUMP_MS = 100;

/**
 * The one clock that the heartbeats of streams and the ends of their rights run on. A timer a stream would be the most that an
 * idle one costs: the wheel has two for all, and none while it has no stream.
 */
export class HeartbeatWheel {
  private readonly slots: Set<Beating>[] = Array.from({ length: SLOTS }, () => new Set());
  /** Those whose right ends before their next heartbeat would look at it. */
  private readonly expiring = new Set<Beating>();
  private turn = 0;
  private count = 0;
  /** The wall clock less the monotonic one, at the last look. */
  private clockOffset = 0;
  private timer: NodeJS.Timeout | undefined;
  private expiryTimer: NodeJS.Timeout | undefined;

  /** `heartbeatMs`: how often each stream beats. */
  constructor(private readonly heartbeatMs: number) {}

  /** Beats for a stream until it ends, and ends it when its right does. */
  add(stream: Beating): void {
    // half a period to a whole one from now, so that streams that come back together do not beat together
    const slot = this.slots[(this.turn + Math.floor((SLOTS * (1 + Math.random())) / 2)) % SLOTS]!;
    slot.add(stream);
    this.count += 1;
    if (this.timer === undefined) this.wake();
    stream.whenEnded(() => {
      slot.delete(stream);
      this.expiring.delete(stream);
      this.count -= 1;
      if (this.count === 0) this.rest();
    });
    this.lookAtExpiry(stream, Date.now());
  }

  private beat(): void {
    const now = new Date();
    for (const stream of this.slots[this.turn]!) {
      stream.heartbeat(now);
      this.lookAtExpiry(stream, now.getTime());
    }
    this.turn = (this.turn + 1) % SLOTS;
  }

  /** Only those are looked at often that have little time left. */
  private lookAtExpiry(stream: Beating, now: number): void {
    if (stream.closed || stream.leftMs(now) > this.heartbeatMs * EXPIRY_AHEAD) return;
    this.expiring.add(stream);
    if (stream.leftMs(now) <= 0) stream.close('token_expired');
  }

  private expire(): void {
    const now = Date.now();
    const offset = now - performance.now();
    // a clock that was set ahead has passed ends that were far away: everybody is looked at once
    if (offset - this.clockOffset > CLOCK_JUMP_MS)
      for (const slot of this.slots) for (const stream of slot) this.lookAtExpiry(stream, now);
    this.clockOffset = offset;
    for (const stream of this.expiring) if (stream.leftMs(now) <= 0) stream.close('token_expired');
  }

  private wake(): void {
    this.timer = setInterval(() => this.beat(), this.heartbeatMs / SLOTS);
    this.expiryTimer = setInterval(() => this.expire(), EXPIRY_CHECK_MS);
    this.clockOffset = Date.now() - performance.now();
  }

  private rest(): void {
    clearInterval(this.timer);
    clearInterval(this.expiryTimer);
    this.timer = undefined;
    this.expiryTimer = undefined;
  }
}
