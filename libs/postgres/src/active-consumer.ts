import { setTimeout as sleep } from 'node:timers/promises';
import type { ListeningSession } from './listening-session';

/** How often a process that waits for its turn asks whether it may consume, in milliseconds. */
const ASK_EVERY_MS = 1_000;

/**
 * Lets one process at a time consume the inbox, so that no message is stored by two. The right is a lock that lasts as
 * long as the session: PostgreSQL frees it when the process or its connection dies, and another process takes over
 * within about a second. Correctness does not depend on it, because the event log drops a message that it has already.
 */
export class ActiveConsumer {
  private locked = false;
  private tellLost: () => void = () => undefined;

  constructor(private readonly session: ListeningSession) {
    session.watch((listening) => {
      if (listening || !this.locked) return;
      this.locked = false;
      this.tellLost();
    });
  }

  /** Calls `lost` whenever this process may consume no more without having released its right. */
  onLost(lost: () => void): void {
    this.tellLost = lost;
  }

  /** Whether this process may consume at present. */
  get active(): boolean {
    return this.locked;
  }

  /** Resolves when this process may consume, or when the signal is aborted. */
  async untilActive(signal: AbortSignal): Promise<void> {
    this.session.open();
    while (!this.locked && !signal.aborted) {
      const [row] = await this.session
        .run<{ locked: boolean }>(`select pg_try_advisory_lock(hashtext('tocsin inbox')) as locked`)
        .catch(() => []);
      this.locked = row?.locked === true && this.session.listening;
      if (!this.locked) await sleep(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Lets another process consume. */
  async release(): Promise<void> {
    if (!this.locked) return;
    this.locked = false;
    await this.session.run(`select pg_advisory_unlock(hashtext('tocsin inbox'))`).catch(() => undefined);
  }
}
