import { RetentionPolicy, type ConsumerInfo, type StreamInfo } from '@nats-io/jetstream';

/**
 * Finds what a stream still has and its consumer will not deliver, as it can be after a NATS server was killed. Such a
 * message would take room for ever. Returns a name for the first message when stream and consumer disagree.
 *
 * Either the consumer counts the message as acknowledged, or it waits for the acknowledgements of messages that are
 * gone, so that its floor stays where it is. While messages come and go, the counts differ for a moment. A name means a
 * fault only when it is the same twice, some seconds apart: then the first message of the stream has stayed.
 *
 * `before` and `after` are the consumer before and after the stream was asked. So messages which come while none is
 * acknowledged, as in an outage of the log, are no difference.
 */
export function stuckMessage(
  before: ConsumerInfo,
  { config, state }: StreamInfo,
  after: ConsumerInfo,
): string | undefined {
  if (config.retention !== RetentionPolicy.Workqueue || state.messages === 0) return undefined;
  const countsAsAcknowledged = state.first_seq <= before.ack_floor.stream_seq;
  const leavesOut = state.messages > expected(after);
  const waitsForMore = state.messages < expected(before);
  return countsAsAcknowledged || leavesOut || waitsForMore ? `${before.created} ${state.first_seq}` : undefined;
}

/** How many messages a work queue holds by the count of its one consumer. */
const expected = ({ num_pending, num_ack_pending }: ConsumerInfo): number => num_pending + num_ack_pending;
