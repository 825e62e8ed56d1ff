/** Whether a browser can share: Web Locks exist in secure contexts (https and localhost) only. */
export const canShare = (): boolean =>
  typeof globalThis.navigator?.locks?.request === 'function' && typeof globalThis.BroadcastChannel === 'function';

/** One of the tabs that ask for the same name holds the lock. When it closes, crashes or resigns, the next one does: the browser sees to that. */
export class TabLock {
  private release: (() => void) | null = null;
  /** Of what is asked for now. Whatever is granted to another is given back. */
  private asking: AbortController | null = null;

  constructor(private readonly name: string) {}

  get isHeld(): boolean {
    return this.release !== null;
  }

  /** Resolves when the lock is ours: `atOnce` when nobody had it. Rejects when `signal` is aborted before, and when it was resigned meanwhile. */
  async hold(signal: AbortSignal): Promise<{ atOnce: boolean }> {
    signal.throwIfAborted();
    if (this.release) return { atOnce: true };
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    signal.addEventListener('abort', () => asking.abort(signal.reason), { once: true, signal: asking.signal });
    // the browser takes no signal beside `ifAvailable`
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

  /** Resolves to whether it was granted, while the lock is held until `release`. */
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
