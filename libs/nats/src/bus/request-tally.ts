import { RATE_WINDOW_MS, type CountedRequest } from '@tocsin/contracts/ports';
import type { Tally } from './shared-log';

export interface RequestEntry {
  readonly key: string;
}

/** The most keys that are counted. Beyond it the oldest window is forgotten. */
const MAX_KEYS = 100_000;

/** The requests of all gateways, in windows that begin with the first request of a key, by the clock of NATS. */
export class RequestTally implements Tally<RequestEntry, CountedRequest> {
  /** In the order in which they end, since all are of the same length. */
  readonly #windows = new Map<string, { count: number; endsAt: number }>();

  constructor(private readonly maxKeys = MAX_KEYS) {}

  reset(): void {
    this.#windows.clear();
  }

  take({ key }: RequestEntry, atMs: number): CountedRequest {
    for (const [oldest, { endsAt }] of this.#windows) {
      if (endsAt > atMs && this.#windows.size <= this.maxKeys) break;
      this.#windows.delete(oldest);
    }
    const window = this.#windows.get(key) ?? { count: 0, endsAt: atMs + RATE_WINDOW_MS };
    window.count += 1;
    this.#windows.set(key, window);
    return { count: window.count, resetMs: window.endsAt - atMs };
  }
}
