import { QueueFull, Unavailable } from '@tocsin/contracts';
import type { PublishOutcome } from '@tocsin/contracts/ports';
import { BrokerUnavailable, type ConfirmingPublisher, type Publication } from '@tocsin/publisher';

/**
 * Publishes, and throws as the ports of the intake say when RabbitMQ has taken none of the messages. It refuses single
 * messages (a nack) when the queue has as many as a policy of the operator allows, with the overflow `reject-publish`.
 */
export async function publishAll(
  publisher: ConfirmingPublisher,
  publications: readonly Publication[],
): Promise<PublishOutcome[]> {
  const outcomes = await publisher.publish(publications).catch((error: unknown) => {
    throw error instanceof BrokerUnavailable ? refusalOf(error) : error;
  });
  if (outcomes.length > 0 && outcomes.every((one) => one.outcome === 'failed' && one.reason === 'nacked'))
    throw new QueueFull('rabbitmq');
  return outcomes;
}

/** An alarm (`blocked`) says that RabbitMQ has no memory or no disk left. */
function refusalOf(error: BrokerUnavailable): Unavailable {
  const hasNoRoom = error.obstacle === 'blocked' || error.obstacle === 'full';
  return hasNoRoom
    ? new QueueFull('rabbitmq', error.message, { cause: error })
    : new Unavailable('queue', error.message, { technology: 'rabbitmq', cause: error });
}
