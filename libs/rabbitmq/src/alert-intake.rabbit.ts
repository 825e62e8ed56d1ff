import { publishedForm, routingKeyOf, Turns } from '@tocsin/messages';
import type { ValidMessage } from '@tocsin/contracts';
import { AlertIntake, type PublishContext, type PublishOutcome } from '@tocsin/contracts/ports';
import type { ConfirmingPublisher, Publication } from '@tocsin/publisher';
import { publishAll } from './publish-all';

/**
 * Publishes to the exchange that every producer publishes to, with confirms. `confirmed`: a queue has stored the
 * message durably.
 */
export class RabbitAlertIntake extends AlertIntake {
  constructor(
    private readonly publisher: ConfirmingPublisher,
    private readonly exchange: string,
  ) {
    super();
  }

  override async publish(
    messages: readonly ValidMessage[],
    { traceparent }: PublishContext = {},
  ): Promise<PublishOutcome[]> {
    const turns = new Turns();
    const headers = traceparent ? { traceparent } : undefined;
    const publications: Publication[] = [];
    for (const message of messages) {
      if (turns.over) await turns.next();
      publications.push({
        exchange: this.exchange,
        routingKey: routingKeyOf(message),
        id: message.id,
        body: publishedForm(message),
        headers,
      });
    }
    return publishAll(this.publisher, publications);
  }
}
