interface PageLifeListeners {
  /** The page is visible again: its timers may have slept. */
  lookedAt(): void;
  online(): void;
  offline(): void;
  /** The page may be gone in a moment. */
  hidden(): void;
  /** The page is left for good. */
  gone(): void;
  /** The page goes into the browser's back/forward cache, where it may not keep a connection. */
  frozen(): void;
  /** The page comes back from the back/forward cache. */
  thawed(): void;
}

/** Reports the events of the page that a stream runs in. Without a page, as on a server, it reports nothing. */
export class PageLife {
  private stop: (() => void) | null = null;

  constructor(private readonly listeners: PageLifeListeners) {}

  watch(): void {
    if (this.stop || typeof window === 'undefined') return;
    const { listeners } = this;
    const ended = new AbortController();
    const { signal } = ended;
    document.addEventListener(
      'visibilitychange',
      () => (document.visibilityState === 'visible' ? listeners.lookedAt() : listeners.hidden()),
      { signal },
    );
    window.addEventListener('online', () => listeners.online(), { signal });
    window.addEventListener('offline', () => listeners.offline(), { signal });
    window.addEventListener(
      'pagehide',
      ({ persisted }) => {
        listeners.hidden();
        if (persisted) listeners.frozen();
        else listeners.gone();
      },
      { signal },
    );
    window.addEventListener('pageshow', ({ persisted }) => persisted && listeners.thawed(), { signal });
    this.stop = () => ended.abort();
  }

  unwatch(): void {
    this.stop?.();
    this.stop = null;
  }
}
