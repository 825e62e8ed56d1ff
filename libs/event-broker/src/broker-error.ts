/**
 * - `queue_full`: the buffer has no room. Nothing was stored: publish again later.
 * - `worker_pool_stopped`: the broker was not started, or has stopped.
 * - `invalid_event`, `invalid_pattern`, `invalid_configuration`: the message says what is wrong.
 * - `unknown_event`: there is no such event, or no longer.
 * - `no_handler`: this instance has no subscription that hears the event: redrive it on one that has.
 * - `stream_lagged`: a reader was so slow that events which it had not read were evicted.
 */
export type BrokerErrorCode =
  | 'queue_full'
  | 'worker_pool_stopped'
  | 'invalid_event'
  | 'invalid_pattern'
  | 'invalid_configuration'
  | 'unknown_event'
  | 'no_handler'
  | 'stream_lagged';

const MESSAGES: Partial<Record<BrokerErrorCode, string>> = {
  queue_full: 'event queue is full',
  worker_pool_stopped: 'worker pool is stopped',
};

/** An error of the broker itself. Errors of a provider's driver are passed on as they are. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';

  constructor(
    readonly code: BrokerErrorCode,
    message: string = MESSAGES[code] ?? code,
  ) {
    super(message);
  }
}
