import { RawIntake, type PublishOutcome, type RawMessage } from '@tocsin/contracts/ports';
import type { ConfirmingPublisher } from '@tocsin/publisher';
import { publishAll } from './publish-all';

/** Publishes to the exchange that every producer publishes to, under the routing key that the message came with. */
export class RabbitRawIntake extends RawIntake {
  constructor(
    private readonly publisher: ConfirmingPublisher,
    private readonly exchange: string,
  ) {
    super();
  }

  override republish(messages: readonly RawMessage[]): Promise<PublishOutcome[]> {
    return publishAll(
      this.publisher,
      messages.map(({ body, routing_key, message_id, timestamp, content_encoding, headers }) => ({
        exchange: this.exchange,
        routingKey: routing_key,
        id: message_id,
        body,
        timestamp,
        contentEncoding: content_encoding,
        headers,
      })),
    );
  }
}
