import { Controller } from '@nestjs/common';
import {
  EventPattern,
  Payload,
  Server,
  type CustomTransportStrategy,
  type MessageHandler,
} from '@nestjs/microservices';
import type { BatchMessage, BatchOutcome } from './handle-batch';
import { IngestAlerts } from './ingest-alerts';
import type { SourceLanes } from './source-lane/source-lanes';

/** The one pattern, which every batch matches. The processor reads what a message is about from the message itself. */
const ALERTS = 'alerts';

/**
 * The lanes of a source as a Nest transport, so that Nest starts and stops them. The handler returns the outcome of a
 * batch as a value: Nest turns exceptions into replies for a client, and there is no client here.
 */
export class AlertsServer extends Server implements CustomTransportStrategy {
  /** Looked up once: Nest takes the pattern for JSON each time, and builds an error when it is none. */
  private handler: MessageHandler | null | undefined;

  constructor(private readonly lanes: SourceLanes) {
    super();
  }

  override listen(callback: (error?: unknown) => void): void {
    this.lanes.consume((batch) => this.handle(batch)).then(() => callback(), callback);
  }

  override close(): Promise<void> {
    return this.lanes.stop();
  }

  override on(): void {
    throw new Error('An alert source has no events of its own.');
  }

  override unwrap<T>(): T {
    return this.lanes as T;
  }

  private async handle(batch: readonly BatchMessage[]): Promise<BatchOutcome> {
    this.handler ??= this.getHandlerByPattern(ALERTS);
    const outcome: unknown = await this.handler?.(batch);
    // Nest's exception filter turns a failure into a stream for a client. Whatever failed, the messages are kept.
    return isBatchOutcome(outcome) ? outcome : { kind: 'retry', reason: 'The handler failed.' };
  }
}

const isBatchOutcome = (value: unknown): value is BatchOutcome =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  (value.kind === 'settled' || value.kind === 'retry');

/** The only handler of the transport. */
@Controller()
export class AlertsController {
  constructor(private readonly ingestAlerts: IngestAlerts) {}

  @EventPattern(ALERTS)
  ingest(@Payload() batch: readonly BatchMessage[]): Promise<BatchOutcome> {
    return this.ingestAlerts.ingest(batch);
  }
}
