import type { Subscription } from './event-bus';

/**
 * Wakes the notifiers when something may be due now: deliveries were planned, a notification was asked for, a dead
 * delivery was redriven. A ring carries nothing, proves nothing and may be lost: notifiers also look by themselves,
 * once a second.
 */
export abstract class Doorbell {
  /** Rings. Never throws and never waits for longer than 500 ms: a ring that is lost costs a second of latency. */
  abstract ring(): Promise<void>;
  /**
   * Listens for rings. Several rings at once may arrive as one. While the bus is away it resolves as well, and rings
   * arrive again when the bus is back. Never rejects.
   */
  abstract onRing(listener: () => void): Promise<Subscription>;
}
