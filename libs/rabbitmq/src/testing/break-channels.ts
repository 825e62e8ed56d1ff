import type { ConfirmChannel } from 'amqplib';
import type { ConsumedQueue } from '../consumed-queue';

/** The queues that a source consumes at present. */
export const queuesOf = (source: unknown): readonly ConsumedQueue[] =>
  (source as { present: { queues: readonly ConsumedQueue[] } }).present.queues;

/** Makes the broker close the source's channels, as it does for any client's mistake: 406, unknown delivery tag. */
export async function breakChannels(source: unknown): Promise<void> {
  const channels = queuesOf(source).map(({ channel }) => channel.current!);
  const closed = channels.map((channel) => new Promise<void>((resolve) => channel.once('close', resolve)));
  for (const channel of channels)
    channel.ack({ fields: { deliveryTag: 999_999 } } as Parameters<ConfirmChannel['ack']>[0]);
  await Promise.all(closed);
}
