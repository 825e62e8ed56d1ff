import type { Channel, Options } from 'amqplib';
import { SUSPECT_AFTER } from '@tocsin/contracts/ports';
import { URGENT_PATTERN, type Topology } from './topology-names';

/** After this many deliveries in all, a message is given up. RabbitMQ 4 has the same number as its default. */
const DELIVERY_LIMIT = 20;
/**
 * The limit of queues that no message may leave for being delivered too often. RabbitMQ 4 drops a message at its
 * default limit of 20, and RabbitMQ 3 cannot be told "no limit".
 */
const NO_DELIVERY_LIMIT = 1_000_000_000;

/**
 * The bounds of the dead queue. It is evidence beside the record in PostgreSQL, and no program consumes it. The oldest
 * messages go after 14 days, or earlier when there are more than 100,000 messages or 1 GiB.
 */
const EVIDENCE = {
  'x-delivery-limit': NO_DELIVERY_LIMIT,
  'x-message-ttl': 14 * 86_400_000,
  'x-max-length': 100_000,
  'x-max-length-bytes': 1_073_741_824,
};

/**
 * Declares everything that topology-names.ts draws. Publishers and consumers both call it, so it does not matter which
 * starts first: from then on nothing is unroutable. Declaring twice is normal. The broker refuses a declaration with
 * other arguments, so the arguments here can never change.
 *
 * `consumed`: which of the consumed queues are declared; default all. A caller that remakes a channel on a connection
 * that stayed open declares only the queue of that channel. When a quorum queue is declared at the moment of its
 * deletion, it keeps its old consumer, which RabbitMQ (3.10) then neither cancels nor serves. Rejects when one of the
 * other queues does not exist.
 */
export async function declareTopology(
  channel: Channel,
  names: Topology,
  consumed: readonly string[] = consumedQueues(names),
): Promise<void> {
  await channel.assertExchange(names.exchange, 'topic', { durable: true });
  await channel.assertExchange(names.rest, 'fanout', { durable: true, internal: true });
  await channel.assertExchange(names.intake, 'topic', { durable: true, internal: true, alternateExchange: names.rest });
  // each has an exchange of its own, so that a message keeps its routing key on the way
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
  // removes the binding of earlier releases, which had no queues for expired messages: with both bindings each of these
  // would come twice
  await channel.unbindQueue(names.suspectsQueue, names.suspects, '');
  await channel.bindQueue(names.urgentQueue, names.intake, URGENT_PATTERN);
  await channel.bindQueue(names.queue, names.rest, '');
  // last, so that no message arrives before it can be routed on
  await channel.bindExchange(names.intake, names.exchange, '#');
}

/** In the order of declaration: the target of a dead letter before its source. */
export const consumedQueues = (names: Topology): string[] => [
  names.deliveryLimit,
  names.suspectsQueue,
  names.expiredUrgentQueue,
  names.expiredQueue,
  names.urgentQueue,
  names.queue,
];

/**
 * The headers that the broker sets when a message leaves a queue for the first time. Its time to live is removed then,
 * so it expires once.
 */
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

/** The arguments that send a message to an exchange when it is rejected or came back too often. */
const leavingFor = (exchange: string, deliveryLimit: number) => ({
  'x-delivery-limit': deliveryLimit,
  'x-dead-letter-exchange': exchange,
  // by default a dead letter is moved without a confirmation and may be lost; this strategy prevents that, and requires
  // `reject-publish`
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
});
