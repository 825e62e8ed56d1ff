import type { EndReason } from './event-stream';

/** What the wheel needs of a stream. */
export interface Beating {
  readonly closed: boolean;
  heartbeat(now: Date): void;
  /** How long the right to the stream still lasts, in milliseconds; 0 or less when it has ended. */
  leftMs(now: number): number;
  close(reason: 'token_expired'): void;
  /** Calls the listener once when the stream has ended, with the stream; at once if it has ended already. */
  whenEnded(listener: (reason: EndReason, stream: Beating) => void): void;
}

/** The number of slots of the wheel: the heartbeats of one period are spread over this many moments. */
const SLOTS = 50;
/** How many heartbeats before its end a right is watched closely: a busy process sends heartbeats late. */
const EXPIRY_AHEAD = 2;
/**
 * How often rights that are about to end are checked, in milliseconds: a stream ends within 1 s of the end of its
 * right.
 */
const EXPIRY_CHECK_MS = 250;
/**
 * How far the wall clock may gain on the monotonic clock between two checks, in milliseconds. With more, the wall clock
 * was set.
 */
const CLOCK_JUMP_MS = 100;

/**
 * The one clock for the heartbeats of all streams and the ends of their rights. A timer for each stream would be the
 * largest cost of an idle stream. The wheel has two timers for all streams, and none while it has no stream.
 */
export class HeartbeatWheel {
  private readonly slots: Set<Beating>[] = Array.from({ length: SLOTS }, () => new Set());
  /** Streams whose right ends before their next heartbeat would check it. */
  private readonly expiring = new Set<Beating>();
  private turn = 0;
  private count = 0;
  /** The wall clock minus the monotonic clock, at the last check. */
  private clockOffset = 0;
  private timer: NodeJS.Timeout | undefined;
  private expiryTimer: NodeJS.Timeout | undefined;

  /** `heartbeatMs`: the time between two heartbeats of a stream. */
  constructor(private readonly heartbeatMs: number) {}

  /** Sends heartbeats to a stream until it ends, and ends it when its right ends. */
  add(stream: Beating): void {
    // The first heartbeat comes after half a period to a whole one, so that streams that reconnect together do not get
    // heartbeats together.
    const slot = this.slots[(this.turn + Math.floor((SLOTS * (1 + Math.random())) / 2)) % SLOTS]!;
    slot.add(stream);
    this.count += 1;
    if (this.timer === undefined) this.wake();
    stream.whenEnded(this.onEnded);
    this.lookAtExpiry(stream, Date.now());
  }

  /** One listener for all streams; that it does not know the slot costs less than a listener for each. */
  private readonly onEnded = (_reason: unknown, stream: Beating): void => {
    for (const slot of this.slots) if (slot.delete(stream)) break;
    this.expiring.delete(stream);
    this.count -= 1;
    if (this.count === 0) this.rest();
  };

  private beat(): void {
    const now = new Date();
    for (const stream of this.slots[this.turn]!) {
      stream.heartbeat(now);
      this.lookAtExpiry(stream, now.getTime());
    }
    this.turn = (this.turn + 1) % SLOTS;
  }

  /** Adds a stream to those that are checked often when its right is about to end. */
  private lookAtExpiry(stream: Beating, now: number): void {
    if (stream.closed || stream.leftMs(now) > this.heartbeatMs * EXPIRY_AHEAD) return;
    this.expiring.add(stream);
    if (stream.leftMs(now) <= 0) stream.close('token_expired');
  }

  private expire(): void {
    const now = Date.now();
    const offset = now - performance.now();
    // A clock that was set forward may have passed ends that were far away: check all streams once.
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
