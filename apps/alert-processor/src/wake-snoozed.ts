import { Unavailable } from '@tocsin/contracts';
import type { AlertActs, AnnounceEntries } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { appendDue } from './append-due';
import { Recurring } from './recurring';

/** A snooze ends at most a second late, with the time that a run takes. */
const EVERY_MS = 500;

/**
 * Ends the snoozes whose time is over, and tells the gateways: the alert fires again, and rings. The store sees to it that
 * of several processors one does. What a crash leaves unpublished, the gateways' look at the log finds.
 */
export class WakeSnoozed {
  private readonly recurring: Recurring;

  constructor(
    private readonly acts: AlertActs,
    private readonly announceEntries: AnnounceEntries,
    log: Log,
    everyMs = EVERY_MS,
  ) {
    this.recurring = new Recurring(
      everyMs,
      (signal) => this.wake(signal),
      (error) => {
        // a store that is away is health's to tell; what is due stays due
        if (!(error instanceof Unavailable)) log.error({ err: error }, 'snoozes that are over could not be ended');
      },
    );
  }

  start(): void {
    this.recurring.start();
  }

  stop(): Promise<void> {
    return this.recurring.stop();
  }

  /** Ends and publishes all that are due. */
  wake(signal?: AbortSignal): Promise<void> {
    return appendDue(() => this.acts.wakeSnoozed(), this.announceEntries, signal);
  }
}
