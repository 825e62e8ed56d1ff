import { Unavailable } from '@tocsin/contracts';
import type { AnnounceEntries, EventLog } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { appendDue } from './append-due';
import { Recurring } from './recurring';

/** How often due entries are looked for: an entry about a flood comes at most this long after the end of its window. */
const EVERY_MS = 1_000;

/**
 * Appends the entries of folded repeats whose window is over, and announces them to the gateways. Several processors
 * may run this at the same time: the event log lets one of them append. When a crash comes before the announcement, the
 * gateways find the entries when they check the event log.
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
        // health reports an event log that is away; the entries stay due
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

  /** Appends and announces all entries that are due. */
  async flush(signal?: AbortSignal): Promise<void> {
    await appendDue(() => this.eventLog.appendFolded(), this.announceEntries, signal);
  }
}
