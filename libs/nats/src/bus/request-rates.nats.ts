import { RequestRates, type CountedRequest } from '@tocsin/contracts/ports';
import type { NatsConnection } from '../connection';
import type { BusStreams } from './bus-streams';
import { RequestTally, type RequestEntry } from './request-tally';
import { SharedLog } from './shared-log';

const COUNT_WITHIN_MS = 200;

/** The requests of each key in a log in NATS, which every gateway reads and counts. */
export class NatsRequestRates extends RequestRates {
  private readonly requests: SharedLog<RequestEntry, CountedRequest>;

  constructor(connection: NatsConnection, streams: BusStreams) {
    super();
    this.requests = new SharedLog(connection, streams, 'requests', new RequestTally());
  }

  override count(key: string): Promise<CountedRequest> {
    return this.requests.append({ key }, COUNT_WITHIN_MS);
  }

  /** Begins to read what other gateways count, so that the first request need not wait for it. */
  open(): void {
    this.requests.open();
  }

  /** Stops counting. May be called twice. */
  close(): Promise<void> {
    return this.requests.close();
  }
}
