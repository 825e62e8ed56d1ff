/**
 * Locks and channels that the tabs of one browser share: as much of `navigator.locks` and `BroadcastChannel` as the
 * tests need.
 */
export class BrowserTabs {
  /** For each lock that is held: takes it from its holder. */
  private readonly held = new Map<string, () => void>();
  private readonly queues = new Map<string, (() => void)[]>();
  private readonly channels = new Set<Channel>();

  readonly locks = {
    request: async (name: string, options: LockOptions, work: (lock: object | null) => unknown): Promise<unknown> => {
      await Promise.resolve();
      options.signal?.throwIfAborted();
      if (options.steal) this.held.get(name)?.();
      else if (this.held.has(name)) {
        if (options.ifAvailable) return work(null);
        await new Promise<void>((resolve, reject) => {
          const queue = this.queues.get(name) ?? [];
          this.queues.set(name, queue);
          queue.push(resolve);
          options.signal?.addEventListener('abort', () => {
            // aborting has no effect on a lock that was granted
            const at = queue.indexOf(resolve);
            if (at < 0) return;
            queue.splice(at, 1);
            reject(options.signal!.reason as Error);
          });
        });
      }
      let take!: () => void;
      const stolen = new Promise<never>((_, reject) => {
        take = () => this.whenAwake(() => reject(new DOMException('The lock was stolen.', 'AbortError')));
      });
      this.held.set(name, take);
      try {
        return await Promise.race([work({ name }), stolen]);
      } finally {
        if (this.held.get(name) === take) {
          this.held.delete(name);
          this.queues.get(name)?.shift()?.();
        }
      }
    },
  };

  private suspended: { channels: Set<Channel>; missed: (() => void)[] } | null = null;

  /**
   * Suspends the oldest tabs, as a system does with pages in the background: they keep their locks, and hear and say
   * nothing. Returns a function that wakes them: they then hear what they have missed.
   */
  suspend(tabs = this.channels.size): () => void {
    const channels = new Set([...this.channels].slice(0, tabs));
    const suspended = (this.suspended = { channels, missed: [] as (() => void)[] });
    for (const channel of suspended.channels) channel.missed = suspended.missed;
    return () => {
      this.suspended = null;
      for (const channel of suspended.channels) channel.missed = null;
      for (const hear of suspended.missed) hear();
    };
  }

  /** A lock is taken from a suspended tab at once, and the tab learns it when it is awake. */
  private whenAwake(learn: () => void): void {
    if (this.suspended) this.suspended.missed.push(learn);
    else learn();
  }

  /** Installs the locks and channels as globals of this process. Returns a function that restores the globals. */
  install(): () => void {
    const before = {
      navigator: Object.getOwnPropertyDescriptor(globalThis, 'navigator'),
      BroadcastChannel: Object.getOwnPropertyDescriptor(globalThis, 'BroadcastChannel'),
    };
    const { channels } = this;
    Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks: this.locks } });
    Object.defineProperty(globalThis, 'BroadcastChannel', {
      configurable: true,
      value: class {
        constructor(name: string) {
          return new Channel(name, channels);
        }
      },
    });
    return () => {
      for (const [name, descriptor] of Object.entries(before)) {
        if (descriptor) Object.defineProperty(globalThis, name, descriptor);
        else Reflect.deleteProperty(globalThis, name);
      }
    };
  }
}

class Channel {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  /** What a suspended tab does when it is awake; null: it is not suspended. */
  missed: (() => void)[] | null = null;

  constructor(
    private readonly name: string,
    private readonly all: Set<Channel>,
  ) {
    all.add(this);
  }

  postMessage(data: unknown): void {
    if (!this.all.has(this)) throw new Error('closed');
    if (this.missed) return;
    for (const other of this.all) {
      if (other === this || other.name !== this.name) continue;
      const hear = () => this.all.has(other) && other.onmessage?.({ data: structuredClone(data) });
      queueMicrotask(() => (other.missed ? other.missed.push(hear) : hear()));
    }
  }

  close(): void {
    this.all.delete(this);
  }
}
