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
        headers: headers && typed(headers),
      })),
    );
  }
}

/** Whether it is a whole number of 32 bits. */
const isInt = (value: unknown): boolean => typeof value === 'number' && value === (value | 0);

/**
 * The headers as amqplib takes them. It reads numbers without their types, and by itself sends a whole one in the
 * smallest type that holds it. The numbers here are attributes of CloudEvents, which in AMQP are of the type int.
 */
const typed = (headers: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, isInt(value) ? { '!': 'int', value } : value]),
  );
