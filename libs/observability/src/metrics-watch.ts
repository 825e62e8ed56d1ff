/** How often a watch reads, in milliseconds: often enough for an alarm. Scrapes of the metrics read nothing. */
const LOOK_EVERY_MS = 15_000;

/** Keeps metrics up to date that are read from a store or an engine: at once, and then every 15 s until it stops. */
export abstract class MetricsWatch {
  private timer: NodeJS.Timeout | undefined;

  /**
   * Reads once and updates the metrics. Never rejects: what cannot be read makes them absent rather than stale. Public
   * so that tests need no clock.
   */
  abstract look(): Promise<void>;

  /** May be called twice. */
  start(): void {
    if (this.timer) return;
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
    void this.look();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
