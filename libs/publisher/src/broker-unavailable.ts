/**
 * Why the broker takes nothing at present.
 *
 * - `unreachable`: there is no connection or no channel at the moment.
 * - `blocked`: the broker has a memory or disk alarm and reads nothing from publishers.
 * - `full`: too many messages wait for confirmation already.
 * - `closed`: the owner of the publisher closed it.
 */
export type BrokerObstacle = 'unreachable' | 'blocked' | 'full' | 'closed';

/** Nothing was sent. The caller may try the same messages again later. */
export class BrokerUnavailable extends Error {
  constructor(
    readonly obstacle: BrokerObstacle,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'BrokerUnavailable';
  }
}
