import { asSaid, routingKeyOf, Unavailable, type AlertMessage } from '@tocsin/contracts';
import { AlertIntake, type PublishContext, type PublishOutcome } from '@tocsin/contracts/ports';
import { BrokerUnavailable, publicationOf, type ConfirmingPublisher } from '@tocsin/publisher';

/** Publishes to the exchange that every producer publishes to, with confirms. `confirmed`: a queue has it durably. */
export class RabbitAlertIntake extends AlertIntake {
  constructor(
    private readonly publisher: ConfirmingPublisher,
    private readonly exchange: string,
  ) {
    super();
  }

  override async publish(messages: readonly AlertMessage[], { traceparent }: PublishContext = {}): Promise<PublishOutcome[]> {
    try {
      return await this.publisher.publish(
        messages.map((message) => ({ ...publicationOf(asSaid(message), this.exchange, traceparent), routingKey: routingKeyOf(message) })),
      );
    } catch (error) {
      throw error instanceof BrokerUnavailable ? new Unavailable('rabbitmq', error.message, { cause: error }) : error;
    }
  }
}
