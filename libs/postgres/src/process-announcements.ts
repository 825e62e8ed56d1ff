import type { AnnouncedProcess, ProcessDirectory } from '@tocsin/contracts/ports';

/** How often a process says that it runs, in milliseconds: operators see one that has died within a minute. */
const EVERY_MS = 15_000;

/**
 * Says of this process that it runs, and at its end that it has ended. A failure is not reported: the health check of
 * the database is, and the next announcement follows in 15 s.
 */
export class ProcessAnnouncements {
  private timer: NodeJS.Timeout | undefined;
  private announcing: Promise<void> | undefined;

  constructor(
    private readonly directory: ProcessDirectory,
    private readonly process: AnnouncedProcess,
  ) {}

  /** Begins at once. May be called twice. */
  start(): void {
    if (this.timer) return;
    this.timer = setInterval(() => this.announce(), EVERY_MS).unref();
    this.announce();
  }

  /** Resolves within 4 s. May be called twice, and before `start`. */
  async stop(): Promise<void> {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = undefined;
    // an announcement that is under way would bring the row back
    await this.announcing;
    await this.directory.leave(this.process.instance).catch(() => undefined);
  }

  private announce(): void {
    this.announcing ??= this.directory
      .announce(this.process)
      .catch(() => undefined)
      .finally(() => (this.announcing = undefined));
  }
}
