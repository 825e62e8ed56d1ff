import { RetentionPolicy, type ConsumerInfo, type StreamInfo } from '@nats-io/jetstream';
import { disagreementOf, StuckWatch } from './stuck';

/** `delivered`: how many times it has delivered a message so far. */
const consumer = (floor: number, num_ack_pending: number, num_pending: number, delivered = 60) =>
  ({
    created: 'then',
    ack_floor: { stream_seq: floor, consumer_seq: floor },
    delivered: { consumer_seq: delivered },
    num_ack_pending,
    num_pending,
  }) as unknown as ConsumerInfo;
const stream = (messages: number, first_seq: number, retention: RetentionPolicy = RetentionPolicy.Workqueue) =>
  ({ config: { retention }, state: { messages, first_seq } }) as unknown as StreamInfo;

test.each<[string, ConsumerInfo, StreamInfo, ConsumerInfo]>([
  ['that the consumer counts as acknowledged', consumer(60, 0, 0), stream(113, 58), consumer(60, 0, 0)],
  ['that it counts so while others come and go', consumer(60, 5, 7), stream(9, 58), consumer(60, 2, 3, 70)],
  // the counts of a NATS 2.9.10 that was killed ten times, and of its consumer
  ['above a floor that waits for messages which are gone', consumer(0, 2, 0), stream(113, 58), consumer(0, 2, 0)],
  ['beside more of those than are left', consumer(0, 2, 0), stream(1, 58), consumer(0, 2, 0)],
])('stream and consumer surely disagree about a message %s', (_, before, info, after) => {
  expect(disagreementOf(before, info, after)).toEqual({ name: 'then 58', isSure: true });
});

test.each<[string, ConsumerInfo, StreamInfo, ConsumerInfo]>([
  ['are acknowledged before the stream is asked', consumer(57, 9, 0), stream(4, 58), consumer(57, 4, 0)],
  ['are acknowledged after it was asked', consumer(57, 9, 0), stream(9, 58), consumer(57, 4, 0)],
  ['come and go meanwhile', consumer(57, 9, 0), stream(12, 58), consumer(57, 9, 0, 63)],
])('they may disagree for a moment only about the first of messages that %s', (_, before, info, after) => {
  expect(disagreementOf(before, info, after)).toEqual({ name: 'then 58', isSure: false });
});

test.each<[string, ConsumerInfo, StreamInfo, ConsumerInfo]>([
  ['wait or are in hand', consumer(57, 3, 110), stream(113, 58), consumer(57, 3, 110)],
  ['come while nothing is acknowledged', consumer(57, 3, 100), stream(113, 58), consumer(57, 3, 120)],
  ['none is left of', consumer(57, 2, 0), stream(0, 60), consumer(57, 2, 0)],
  ['an operator keeps', consumer(60, 0, 0), stream(113, 58, RetentionPolicy.Limits), consumer(60, 0, 0)],
])('they agree about messages that %s', (_, before, info, after) => {
  expect(disagreementOf(before, info, after)).toBeUndefined();
});

describe('a message is stuck', () => {
  /** One letter for each look: what was found, in capitals where it is sure, and `-` for nothing. */
  const judged = (looks: string) => {
    const watch = new StuckWatch();
    return [...looks].map((look) =>
      watch.note(look === '-' ? undefined : { name: look.toLowerCase(), isSure: look !== look.toLowerCase() }),
    );
  };

  test.each([
    ['when it is surely found twice in a row', 'AA'],
    ['when it is surely found twice, and in traffic in between', 'AaaA'],
    ['when it is found in traffic for long', 'aaaaaa'],
  ])('%s', (_, looks) => {
    expect(judged(looks).lastIndexOf(false)).toBe(looks.length - 2);
    expect(judged(looks).at(-1)).toBe(true);
  });

  test.each([
    ['another one is found', 'ABAB'],
    ['nothing is found in between', 'A-A-aaaaa-aaaaa'],
    ['it is found in traffic for some time', 'aaaaa'],
    ['the consumer was made anew for it', 'AAA'],
  ])('not when %s', (_, looks) => {
    expect(judged(looks).at(-1)).toBe(false);
  });
});
