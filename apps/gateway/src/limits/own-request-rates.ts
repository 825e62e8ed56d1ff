import { LRUCache } from 'lru-cache';
import { RATE_WINDOW_MS, RequestRates, type CountedRequest } from '@tocsin/contracts/ports';

/** The most keys that are counted. Beyond it the key that was asked for longest ago starts a new window. */
const MAX_KEYS = 100_000;

/** The requests of this gateway alone: without a shared store, and while the shared one is away. */
export class OwnRequestRates extends RequestRates {
  private readonly windows: LRUCache<string, { count: number; endsAt: number }>;

  constructor(
    /** The clock, in milliseconds from any origin. */
    private readonly now: () => number = () => performance.now(),
    maxKeys = MAX_KEYS,
  ) {
    super();
    this.windows = new LRUCache({ max: maxKeys });
  }

  override async count(key: string): Promise<CountedRequest> {
    const now = this.now();
    const known = this.windows.get(key);
    const window = known && known.endsAt > now ? known : { count: 0, endsAt: now + RATE_WINDOW_MS };
    window.count += 1;
    this.windows.set(key, window);
    return { count: window.count, resetMs: window.endsAt - now };
  }
}
