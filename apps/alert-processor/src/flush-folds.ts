import { Unavailable } from '@tocsin/contracts';
import type { AnnounceEntries, EventLog } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { appendDue } from './append-due';
import { Recurring } from './recurring';

/** A flood is told of at most this much later than its window ends. */
const EVERY_MS = 1_000;

/**
 * Ends what repeats folded: asks the log for the entries that are due and tells the gateways of them, as whoever appends
 * does. The log sees to it that of several processors one appends. What a crash leaves unpublished, the gateways' look at
 * the log finds.
 */
export class FlushFolds {
  private readonly recurring: Recurring;

  constructor(
    private readonly eventLog: EventLog,
    private readonly announceEntries: AnnounceEntries,
    log: Log,
    everyMs = EVERY_MS,
  ) {
    this.recurring = new Recurring(
      everyMs,
      (signal) => this.flush(signal),
      (error) => {
        // a log that is away is health's to tell; what is due stays due
        if (!(error instanceof Unavailable)) log.error({ err: error }, 'folded repeats could not be appended');
      },
    );
  }

  start(): void {
    this.recurring.start();
  }

  stop(): Promise<void> {
    return this.recurring.stop();
  }

  /** Appends and publishes all that is due. */
  flush(signal?: AbortSignal): Promise<void> {
    return appendDue(() => this.eventLog.appendFolded(), this.announceEntries, signal);
  }
}
