/**
 * Locks and channels that the tabs of one browser share: as much of `navigator.locks` and `BroadcastChannel` as the
 * tests need.
 */
export class BrowserTabs {
  private readonly held = new Map<string, symbol>();
  private readonly queues = new Map<string, (() => void)[]>();
  private readonly channels = new Set<Channel>();

  readonly locks = {
    request: async (name: string, options: LockOptions, work: (lock: object | null) => unknown): Promise<unknown> => {
      await Promise.resolve();
      options.signal?.throwIfAborted();
      if (this.held.has(name)) {
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
      this.held.set(name, Symbol(name));
      try {
        return await work({ name });
      } finally {
        this.held.delete(name);
        this.queues.get(name)?.shift()?.();
      }
    },
  };

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

  constructor(
    private readonly name: string,
    private readonly all: Set<Channel>,
  ) {
    all.add(this);
  }

  postMessage(data: unknown): void {
    if (!this.all.has(this)) throw new Error('closed');
    for (const other of this.all)
      if (other !== this && other.name === this.name)
        queueMicrotask(() => this.all.has(other) && other.onmessage?.({ data: structuredClone(data) }));
  }

  close(): void {
    this.all.delete(this);
  }
}
