/**
 * Whether tabs of this browser can share a connection. Web Locks exist only in secure contexts (https and localhost).
 */
export const canShare = (): boolean =>
  typeof globalThis.navigator?.locks?.request === 'function' && typeof globalThis.BroadcastChannel === 'function';

/**
 * A lock that one of the tabs that ask for the same name has. When that tab closes, crashes or resigns, the browser
 * gives the lock to the next tab.
 */
export class TabLock {
  private release: (() => void) | null = null;
  /** Aborts the present request. A lock that is granted for an aborted request is given back. */
  private asking: AbortController | null = null;

  constructor(private readonly name: string) {}

  get isHeld(): boolean {
    return this.release !== null;
  }

  /**
   * Resolves when this tab has the lock; `atOnce` when no other tab had it. Rejects when `signal` is aborted or
   * `resign` is called before that.
   */
  async hold(signal: AbortSignal): Promise<{ atOnce: boolean }> {
    signal.throwIfAborted();
    if (this.release) return { atOnce: true };
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    signal.addEventListener('abort', () => asking.abort(signal.reason), { once: true, signal: asking.signal });
    // the browser does not allow `signal` and `ifAvailable` in one request
    if (await this.request({ ifAvailable: true }, asking.signal)) return { atOnce: true };
    asking.signal.throwIfAborted();
    if (!(await this.request({ signal: asking.signal }, asking.signal))) throw asking.signal.reason;
    return { atOnce: false };
  }

  /** Gives the lock to the next tab, or leaves the queue. */
  resign(): void {
    this.asking?.abort();
    this.asking = null;
    this.release?.();
    this.release = null;
  }

  /** Resolves to whether the lock was granted. This tab then has it until `release` is called. */
  private request(options: LockOptions, wanted: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      navigator.locks
        .request(this.name, options, (lock) => {
          if (!lock || wanted.aborted) return resolve(false);
          return new Promise<void>((release) => {
            this.release = release;
            resolve(true);
          });
        })
        .catch(reject);
    });
  }
}
