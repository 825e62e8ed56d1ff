import { RetentionPolicy, type ConsumerInfo, type StreamInfo } from '@nats-io/jetstream';
import { stuckMessage } from './stuck';

const consumer = (floor: number, num_ack_pending: number, num_pending: number) =>
  ({ created: 'then', ack_floor: { stream_seq: floor }, num_ack_pending, num_pending }) as unknown as ConsumerInfo;
const stream = (messages: number, first_seq: number, retention: RetentionPolicy = RetentionPolicy.Workqueue) =>
  ({ config: { retention }, state: { messages, first_seq } }) as unknown as StreamInfo;

test.each<[string, ConsumerInfo, StreamInfo, ConsumerInfo]>([
  ['that the consumer counts as acknowledged', consumer(60, 0, 0), stream(113, 58), consumer(60, 0, 0)],
  // the counts of a NATS 2.9.10 that was killed ten times, and of its consumer
  ['above a floor that waits for messages which are gone', consumer(0, 2, 0), stream(113, 58), consumer(0, 2, 0)],
  ['beside more of those than are left', consumer(0, 2, 0), stream(1, 58), consumer(0, 2, 0)],
])('a message is stuck %s', (_, before, info, after) => {
  expect(stuckMessage(before, info, after)).toBe('then 58');
});

test.each<[string, ConsumerInfo, StreamInfo, ConsumerInfo]>([
  ['wait or are in hand', consumer(57, 3, 110), stream(113, 58), consumer(57, 3, 110)],
  ['come while nothing is acknowledged', consumer(57, 3, 100), stream(113, 58), consumer(57, 3, 120)],
  ['none is left of', consumer(57, 2, 0), stream(0, 60), consumer(57, 2, 0)],
  ['an operator keeps', consumer(60, 0, 0), stream(113, 58, RetentionPolicy.Limits), consumer(60, 0, 0)],
])('messages that %s are not stuck', (_, before, info, after) => {
  expect(stuckMessage(before, info, after)).toBeUndefined();
});
