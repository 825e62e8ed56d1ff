import { routingKeyOf, Turns, Unavailable, type AlertMessage } from '@tocsin/contracts';
import { AlertIntake, type PublishContext, type PublishOutcome } from '@tocsin/contracts/ports';
import { BrokerUnavailable, publicationOf, type ConfirmingPublisher, type Publication } from '@tocsin/publisher';

/** Publishes to the exchange that every producer publishes to, with confirms. `confirmed`: a queue has it durably. */
export class RabbitAlertIntake extends AlertIntake {
  constructor(
    private readonly publisher: ConfirmingPublisher,
    private readonly exchange: string,
  ) {
    super();
  }

  override async publish(messages: readonly AlertMessage[], { traceparent }: PublishContext = {}): Promise<PublishOutcome[]> {
    const turns = new Turns();
    const publications: Publication[] = [];
    for (const message of messages) {
      if (turns.over) await turns.next();
      publications.push({ ...publicationOf(message, this.exchange, traceparent), routingKey: routingKeyOf(message) });
    }
    try {
      return await this.publisher.publish(publications);
    } catch (error) {
      throw error instanceof BrokerUnavailable ? new Unavailable('rabbitmq', error.message, { cause: error }) : error;
    }
  }
}
