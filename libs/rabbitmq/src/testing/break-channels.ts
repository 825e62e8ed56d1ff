import type { ConfirmChannel } from 'amqplib';
import type { ConsumedQueue } from '../consumed-queue';

/** The queues that a source consumes now. */
export const queuesOf = (source: unknown): readonly ConsumedQueue[] =>
  (source as { present: { queues: readonly ConsumedQueue[] } }).present.queues;

/**
 * Makes the broker close the channels of the source with an error 406 (unknown delivery tag), as after a client's
 * mistake.
 */
export async function breakChannels(source: unknown): Promise<void> {
  const channels = queuesOf(source).map(({ channel }) => channel.current!);
  const closed = channels.map((channel) => new Promise<void>((resolve) => channel.once('close', resolve)));
  for (const channel of channels)
    channel.ack({ fields: { deliveryTag: 999_999 } } as Parameters<ConfirmChannel['ack']>[0]);
  await Promise.all(closed);
}
