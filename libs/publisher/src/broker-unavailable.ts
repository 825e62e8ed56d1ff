/**
 * Why the broker takes nothing at present.
 *
 * - `unreachable`: no connection or no channel, for now.
 * - `blocked`: it has a memory or disk alarm and reads nothing from publishers.
 * - `full`: too much waits for confirmation already.
 * - `closed`: the publisher was closed, by its owner.
 */
export type BrokerObstacle = 'unreachable' | 'blocked' | 'full' | 'closed';

/** Nothing was sent. Trying the same again later is right. */
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
