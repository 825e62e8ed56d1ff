import { RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';

type Told = Pick<StreamConfig, 'name' | 'storage' | 'num_replicas' | 'max_age' | 'discard' | 'retention' | 'max_msgs'>;

/**
 * What is weak about JetStream as a queue, one sentence each. Streams that are there already keep what an operator gave
 * them, so their own configuration decides. `limit`: how many messages may wait in each by the settings.
 */
export function weaknessesOf(streams: readonly Told[], limit: number): string[] {
  const named = (is: (stream: Told) => boolean) =>
    streams
      .filter(is)
      .map(({ name }) => name)
      .join(', ');
  const inMemory = named(({ storage }) => storage !== StorageType.File);
  const single = named(({ storage, num_replicas }) => storage === StorageType.File && num_replicas === 1);
  const aging = named(({ max_age }) => max_age > 0);
  const noQueue = named(({ retention }) => retention !== RetentionPolicy.Workqueue);
  const larger = named(({ max_msgs }) => max_msgs > limit);
  const dropping = named(({ discard }) => discard !== 'new');
  return [
    ...(inMemory ? [`NATS keeps ${inMemory} in memory: its restart loses the messages that wait`] : []),
    ...(single
      ? [
          `one NATS server keeps ${single} (NATS_REPLICAS=1): a crash of its machine can lose confirmed messages of ` +
            'the last minutes, unless its sync_interval is always',
        ]
      : []),
    ...(aging ? [`${aging} has a max_age: messages that wait for longer are lost`] : []),
    ...(noQueue ? [`${noQueue} is no work queue: messages stay there after they are stored, until it is full`] : []),
    ...(larger
      ? [
          `${larger} has room for more messages than NATS_QUEUE_LIMIT says: it is not lowered, since NATS 2.9 would delete ` +
            'messages that wait. Do so with `nats stream edit --max-msgs` while the stream is empty and nothing publishes',
        ]
      : []),
    ...(dropping ? [`${dropping} discards old messages when it is full: they are lost`] : []),
  ];
}
