/** The length of a window, in milliseconds. */
export const RATE_WINDOW_MS = 60_000;

/** How a limit stands after a request was counted. */
export interface CountedRequest {
  /** The requests of this window, this one included. */
  readonly count: number;
  /** When the window ends and the count starts again, in milliseconds from now. */
  readonly resetMs: number;
}

/**
 * How many requests were made for a key, on all gateways together, in windows of one minute. A key's window begins with
 * its first request, so two windows next to each other can hold twice the limit within a minute.
 */
export abstract class RequestRates {
  /**
   * Counts one request. Of many at once, on any gateways, each gets a number of its own. Rejects with `Unavailable`
   * within about 200 ms when the shared store is away.
   */
  abstract count(key: string): Promise<CountedRequest>;
}
