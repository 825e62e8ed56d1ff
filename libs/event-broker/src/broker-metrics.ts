import type { BrokerEvent } from './event';

/** What the broker counts. */
export interface BrokerMetrics {
  published(event: BrokerEvent): void;
  /** All handlers are done with it on this instance. `seconds` begins with the first attempt. */
  processed(event: BrokerEvent, status: 'completed' | 'failed', seconds: number): void;
  /** Called once, with a function that says how many events wait. */
  observeQueue(size: () => number): void;
}
