import { Unavailable } from '@tocsin/contracts';
import { RawIntake, type PublishOutcome, type RawMessage } from '@tocsin/contracts/ports';
import { BrokerUnavailable, type ConfirmingPublisher } from '@tocsin/publisher';

/** Publishes to the exchange that every producer publishes to, under the routing key that the message came with. */
export class RabbitRawIntake extends RawIntake {
  constructor(
    private readonly publisher: ConfirmingPublisher,
    private readonly exchange: string,
  ) {
    super();
  }

  override async republish(messages: readonly RawMessage[]): Promise<PublishOutcome[]> {
    try {
      return await this.publisher.publish(
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
    } catch (error) {
      throw error instanceof BrokerUnavailable
        ? new Unavailable('queue', error.message, { technology: 'rabbitmq', cause: error })
        : error;
    }
  }
}
