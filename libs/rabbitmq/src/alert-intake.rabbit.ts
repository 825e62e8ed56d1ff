import { publishedForm, routingKeyOf, Unavailable, type AlertMessage } from '@tocsin/contracts';
import { AlertIntake, type PublishContext, type PublishOutcome } from '@tocsin/contracts/ports';
import { BrokerUnavailable, type ConfirmingPublisher, type Publication } from '@tocsin/publisher';

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
      const headers = traceparent ? { traceparent } : undefined;
      return await this.publisher.publish(messages.map((message): Publication => ({ exchange: this.exchange, routingKey: routingKeyOf(message), id: message.id, body: publishedForm(message), headers })));
    } catch (error) {
      throw error instanceof BrokerUnavailable ? new Unavailable('rabbitmq', error.message, { cause: error }) : error;
    }
  }
}
