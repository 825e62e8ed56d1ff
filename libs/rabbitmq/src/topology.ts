import type { Channel, Options } from 'amqplib';
import { URGENT_PATTERN, type Topology } from './topology-names';

/** A message that came back this often is a suspect. In hand once when a process ended may be chance; twice is worth a closer look. */
export const SUSPECT_AFTER = 2;
/** One that came back this often in all is given up. RabbitMQ 4 has the same number as its default. */
const DELIVERY_LIMIT = 20;
/** For queues that nothing may leave by being looked at: RabbitMQ 4 would drop a message at its default limit of 20, and 3 knows no way to say never. */
const NO_DELIVERY_LIMIT = 1_000_000_000;

/**
 * The dead queue is evidence beside the record in PostgreSQL, and nobody reads it: the oldest go after 14 days, and earlier
 * where there are too many or too large ones.
 */
const EVIDENCE = {
  'x-delivery-limit': NO_DELIVERY_LIMIT,
  'x-message-ttl': 14 * 86_400_000,
  'x-max-length': 100_000,
  'x-max-length-bytes': 1_073_741_824,
};

/**
 * Declares everything, as topology-names.ts draws it. Whoever publishes and whoever consumes both do it, so that it
 * does not matter who starts first: nothing is unroutable from then on. Declaring twice is the rule; declaring anything
 * with other arguments is refused by the broker, so what is written here is written for good.
 *
 * `consumed`: which of the queues with a consumer are declared; by default all. Whoever makes a channel again on a connection
 * that stayed leaves those of others alone: a quorum queue that is declared in the very moment in which somebody deletes it
 * keeps its old consumer, which RabbitMQ (3.10) then neither cancels nor serves. Rejects when one of the others is not there.
 */
export async function declareTopology(
  channel: Channel,
  names: Topology,
  consumed: readonly string[] = consumedQueues(names),
): Promise<void> {
  await channel.assertExchange(names.exchange, 'topic', { durable: true });
  await channel.assertExchange(names.rest, 'fanout', { durable: true, internal: true });
  await channel.assertExchange(names.intake, 'topic', { durable: true, internal: true, alternateExchange: names.rest });
  // exchanges of their own, so that a message keeps its routing key on the way
  for (const exchange of [names.suspects, names.alone, names.deliveryLimit])
    await channel.assertExchange(exchange, 'fanout', { durable: true, internal: true });
  await channel.assertExchange(names.expired, 'headers', {
    durable: true,
    internal: true,
    alternateExchange: names.alone,
  });

  await channel.assertQueue(names.deadQueue, quorumQueue(EVIDENCE));
  for (const queue of consumed) await channel.assertQueue(queue, quorumQueue(argumentsOf(queue, names)));

  await channel.bindQueue(names.deliveryLimit, names.deliveryLimit, '');
  await channel.bindQueue(names.suspectsQueue, names.alone, '');
  await channel.bindQueue(names.expiredUrgentQueue, names.expired, '', expiredIn(names.urgentQueue));
  await channel.bindQueue(names.expiredQueue, names.expired, '', expiredIn(names.queue));
  await channel.bindExchange(names.expired, names.suspects, '');
  // as it was before expired messages had queues of their own: with both ways each of them would come twice
  await channel.unbindQueue(names.suspectsQueue, names.suspects, '');
  await channel.bindQueue(names.urgentQueue, names.intake, URGENT_PATTERN);
  await channel.bindQueue(names.queue, names.rest, '');
  // last, so that nothing arrives before it has somewhere to go
  await channel.bindExchange(names.intake, names.exchange, '#');
}

/** In the order in which they are declared: where a message may go before where it comes from. */
const consumedQueues = (names: Topology): string[] => [
  names.deliveryLimit,
  names.suspectsQueue,
  names.expiredUrgentQueue,
  names.expiredQueue,
  names.urgentQueue,
  names.queue,
];

/** What the broker writes into the headers of a message that leaves a queue for the first time. Its time to live is gone then: it expires once. */
const expiredIn = (queue: string) => ({
  'x-match': 'all-with-x',
  'x-first-death-reason': 'expired',
  'x-first-death-queue': queue,
});

function argumentsOf(queue: string, names: Topology): Record<string, unknown> {
  if (queue === names.deliveryLimit) return { 'x-delivery-limit': NO_DELIVERY_LIMIT };
  if (queue === names.suspectsQueue) return leavingFor(names.deliveryLimit, DELIVERY_LIMIT - SUSPECT_AFTER);
  const isSecondQueue = queue === names.expiredQueue || queue === names.expiredUrgentQueue;
  return leavingFor(isSecondQueue ? names.alone : names.suspects, DELIVERY_LIMIT);
}

const quorumQueue = (more: Record<string, unknown>): Options.AssertQueue => ({
  durable: true,
  arguments: { 'x-queue-type': 'quorum', ...more },
});

/** Where a message goes that is rejected, or that came back too often. */
const leavingFor = (exchange: string, deliveryLimit: number) => ({
  'x-delivery-limit': deliveryLimit,
  'x-dead-letter-exchange': exchange,
  // by default a dead letter is moved without a confirmation and may be lost on the way; this strategy asks for the other argument
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
});
