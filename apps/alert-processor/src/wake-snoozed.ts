import { Unavailable } from '@tocsin/contracts';
import type { AlertActs, AnnounceEntries, Doorbell } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { appendDue } from './append-due';
import { Recurring } from './recurring';

/** How often due snoozes are looked for. A snooze ends at most a second late, the time of a run included. */
const EVERY_MS = 500;

/**
 * Ends the snoozes whose time is over, and tells the gateways: the alert fires again, and it rings. Several processors
 * may run this at the same time: the store lets one of them end a snooze. When a crash comes before the announcement,
 * the gateways find the entries when they check the event log.
 */
export class WakeSnoozed {
  private readonly recurring: Recurring;
  private readonly plans: boolean;

  constructor(
    private readonly acts: AlertActs,
    private readonly announceEntries: AnnounceEntries,
    private readonly doorbell: Doorbell,
    log: Log,
    /**
     * `plans`: whether those who were told are told again, when an alert fires again; false where nothing is delivered.
     */
    { everyMs = EVERY_MS, plans = true }: { everyMs?: number; plans?: boolean } = {},
  ) {
    this.plans = plans;
    this.recurring = new Recurring(
      everyMs,
      (signal) => this.wake(signal),
      (error) => {
        // health reports a store that is away; the snoozes stay due
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

  /** Ends all snoozes that are due, and announces their entries. Those that were told of an alert are told again. */
  async wake(signal?: AbortSignal): Promise<void> {
    const woken = await appendDue(() => this.acts.wakeSnoozed(this.plans), this.announceEntries, signal);
    if (woken > 0 && this.plans) void this.doorbell.ring();
  }
}
