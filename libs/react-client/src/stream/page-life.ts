interface PageLifeListeners {
  /** The page is looked at again: timers may have slept. */
  lookedAt(): void;
  online(): void;
  offline(): void;
  /** The page may be gone in a moment. */
  hidden(): void;
  /** The page is left for good. */
  gone(): void;
  /** It goes into the browser's cache of pages, where a connection may not be held … */
  frozen(): void;
  /** … and comes out of it. */
  thawed(): void;
}

/** What happens to the page that a stream lives in. Where there is no page, nothing does. */
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
