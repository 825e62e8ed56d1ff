import { Unavailable } from '@tocsin/contracts';
import type { LogRetention, RetentionStep } from '@tocsin/contracts/ports';
import type { Log } from '@tocsin/observability';
import { Recurring } from './recurring';

const EVERY_MS = 60_000;
const DAY_MS = 86_400_000;

export interface Kept {
  /** How long entries and deliveries are kept; 0: for ever. Days. */
  retentionDays: number;
  /** For how many days ids are known; a message that is sent again is recognised by its id. */
  dedupDays: number;
}

/**
 * Deletes old entries, deliveries and ids, a small part every minute. A run first deletes what an earlier run has
 * released, and then releases more. So a floor is committed, and every gateway knows it, a minute before anything below
 * it is gone.
 */
export class Retention {
  private readonly recurring: Recurring;

  constructor(
    private readonly log: LogRetention,
    private readonly kept: Kept,
    logger: Log,
    everyMs = EVERY_MS,
  ) {
    this.recurring = new Recurring(
      everyMs,
      (signal) => this.run(signal),
      (error) => {
        // health reports a store that is away; old rows stay until the next run
        if (!(error instanceof Unavailable)) logger.error({ err: error }, 'retention failed');
      },
    );
  }

  start(): void {
    this.recurring.start();
  }

  stop(): Promise<void> {
    return this.recurring.stop();
  }

  async run(signal?: AbortSignal): Promise<void> {
    const { retentionDays, dedupDays } = this.kept;
    await throughTenants((behind) => this.log.deleteReleased(behind), signal);
    if (retentionDays > 0) {
      await throughTenants((behind) => this.log.release(retentionDays * DAY_MS, behind), signal);
      await throughTenants((behind) => this.log.deleteSettled(retentionDays * DAY_MS, behind), signal);
    }
    while (!signal?.aborted && (await this.log.forgetIds(dedupDays * DAY_MS)) > 0);
  }
}

async function throughTenants(step: (behind?: string) => Promise<RetentionStep>, signal?: AbortSignal): Promise<void> {
  let behind: string | null | undefined;
  do behind = (await step(behind ?? undefined)).next;
  while (behind !== null && !signal?.aborted);
}
