import { RetentionPolicy, type ConsumerInfo, type StreamInfo } from '@nats-io/jetstream';

/** How often in a row the same message must be found before it counts as stuck. */
const TIMES = { sure: 2, inTraffic: 6 };

/** The first message of a stream with which stream and consumer disagree. */
export interface Disagreement {
  name: string;
  /** Whether nothing came or was settled while both were asked. Otherwise they may disagree for this moment only. */
  isSure: boolean;
}

/**
 * Finds what a stream still has and its consumer will not deliver, as it can be after a NATS server was killed. Such a
 * message would take room for ever.
 *
 * Either the consumer counts the message as acknowledged, or it waits for the acknowledgements of messages that are
 * gone, so that its floor stays where it is.
 *
 * `before` and `after` are the consumer before and after the stream was asked. So messages which come while none is
 * acknowledged, as in an outage of the log, are no difference.
 */
export function disagreementOf(
  before: ConsumerInfo,
  { config, state }: StreamInfo,
  after: ConsumerInfo,
): Disagreement | undefined {
  if (config.retention !== RetentionPolicy.Workqueue || state.messages === 0) return undefined;
  const countsAsAcknowledged = state.first_seq <= before.ack_floor.stream_seq;
  const leavesOut = state.messages > expected(after);
  const waitsForMore = state.messages < expected(before);
  if (!countsAsAcknowledged && !leavesOut && !waitsForMore) return undefined;
  const name = `${before.created} ${state.first_seq}`;
  return { name, isSure: countsAsAcknowledged || hasDoneNothing(before, after) };
}

/** How many messages a work queue holds by the count of its one consumer. */
const expected = ({ num_pending, num_ack_pending }: ConsumerInfo): number => num_pending + num_ack_pending;

/** Whether a consumer was told of no message, and has delivered and settled none. */
const hasDoneNothing = (before: ConsumerInfo, after: ConsumerInfo): boolean =>
  before.delivered.consumer_seq === after.delivered.consumer_seq &&
  before.ack_floor.consumer_seq === after.ack_floor.consumer_seq &&
  before.num_ack_pending === after.num_ack_pending &&
  before.num_pending === after.num_pending;

/**
 * Judges what is found at intervals of some seconds. While messages come and go, the counts differ in most moments. So
 * a message that a processor holds for long would soon be taken for a stuck one if a difference counted as much in
 * traffic as in a quiet moment. It still counts: a stream may never be quiet.
 */
export class StuckWatch {
  private name: string | undefined;
  private times = { sure: 0, all: 0 };

  /** Whether the message is stuck. Then the watch begins anew. */
  note(found: Disagreement | undefined): boolean {
    if (found?.name !== this.name) this.times = { sure: 0, all: 0 };
    this.name = found?.name;
    if (!found) return false;
    this.times.all += 1;
    if (found.isSure) this.times.sure += 1;
    if (this.times.sure < TIMES.sure && this.times.all < TIMES.inTraffic) return false;
    this.name = undefined;
    return true;
  }
}
