/**
 * Whether tabs of this browser can share a connection. Web Locks exist only in secure contexts (https and localhost).
 */
export const canShare = (): boolean =>
  typeof globalThis.navigator?.locks?.request === 'function' && typeof globalThis.BroadcastChannel === 'function';

/**
 * A lock that one of the tabs that ask for the same name has. When that tab closes, crashes or resigns, the browser
 * gives the lock to the next tab. A tab whose page the system has suspended keeps it: another one can `steal` it.
 */
export class TabLock {
  private release: (() => void) | null = null;
  /** Aborts the present request. A lock that is granted for an aborted request is given back. */
  private asking: AbortController | null = null;
  private stealNow: (() => void) | null = null;

  constructor(
    private readonly name: string,
    /** Called when another tab has stolen the lock from this one. */
    private readonly onStolen: () => void,
  ) {}

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
    await new Promise<void>((resolve, reject) => {
      const queue = new AbortController();
      const granted = (isGranted: boolean) => isGranted && resolve();
      asking.signal.addEventListener('abort', () => {
        queue.abort();
        reject(asking.signal.reason as Error);
      });
      this.request({ signal: queue.signal }, queue.signal).then(granted, () => undefined);
      this.stealNow = () => {
        queue.abort();
        this.request({ steal: true }, asking.signal).then(granted, reject);
      };
    });
    this.stealNow = null;
    return { atOnce: false };
  }

  /** Takes the lock from the tab that has it, for the `hold` that waits. */
  steal(): void {
    const { stealNow } = this;
    this.stealNow = null;
    stealNow?.();
  }

  /** Gives the lock to the next tab, or leaves the queue. */
  resign(): void {
    this.asking?.abort();
    this.asking = null;
    this.stealNow = null;
    this.release?.();
    this.release = null;
  }

  /** Resolves to whether the lock was granted. This tab then has it until `release` is called or it is stolen. */
  private request(options: LockOptions, wanted: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let mine: (() => void) | undefined;
      navigator.locks
        .request(this.name, options, (lock) => {
          if (!lock || wanted.aborted) return resolve(false);
          return new Promise<void>((release) => {
            this.release = mine = release;
            resolve(true);
          });
        })
        .catch((error: Error) => {
          // a request that was granted rejects only when its lock is stolen
          if (mine === undefined) return reject(error);
          if (this.release !== mine) return;
          this.release = null;
          this.onStolen();
        });
    });
  }
}
