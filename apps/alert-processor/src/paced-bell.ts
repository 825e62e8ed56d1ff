import type { Doorbell } from '@tocsin/contracts/ports';

/** The shortest time between two rings, in milliseconds. It delays a delivery by no more than this. */
export const RING_EVERY_MS = 25;

/**
 * Rings at once, and then at most once in `RING_EVERY_MS`. A ring covers all that was planned before it: to ring for
 * each alert would cost as much as to announce it, and would wake every notifier as often.
 */
export class PacedBell {
  private resting: NodeJS.Timeout | undefined;
  private owed = false;

  constructor(private readonly doorbell: Doorbell) {}

  ring(): void {
    this.owed = this.resting !== undefined;
    if (this.owed) return;
    void this.doorbell.ring();
    this.resting = setTimeout(() => this.rested(), RING_EVERY_MS).unref();
  }

  private rested(): void {
    this.resting = undefined;
    if (this.owed) this.ring();
  }
}
