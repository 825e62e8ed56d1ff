import type { Subscription } from './event-bus';

/**
 * Wakes the notifiers when something may be due now: deliveries were planned, a notification was asked for, or a dead
 * delivery was redriven. A ring carries no data, proves nothing and may be lost, because notifiers also look once a
 * second without a ring.
 */
export abstract class Doorbell {
  /** Rings. Never throws, and never waits longer than 500 ms, because a lost ring costs only a second of latency. */
  abstract ring(): Promise<void>;
  /**
   * Listens for rings. Several rings at the same time may arrive as one. It also resolves while the bus is unreachable,
   * and rings arrive again when the bus is back. Never rejects.
   */
  abstract onRing(listener: () => void): Promise<Subscription>;
}
