import type { Msg } from '@nats-io/transport-node';
import { InHand, type NatsDelivery } from './in-hand';

/** A delivery of the message with this number, and what the server was answered for it. */
function delivered(seq: number, storedAt = '1') {
  const answers: string[] = [];
  const raw = { respond: (answer: string) => answers.push(answer) > 0 } as unknown as Msg;
  const place = { seq, storedAt, deliveries: 1, waiting: 0 };
  const delivery: NatsDelivery = { kind: 'common', raw, place, returns: 0, message: { body: Buffer.of() } as never };
  return { delivery, raw, place, answers };
}

function inHandOf(isOnOneServer: boolean) {
  const inHand = new InHand(isOnOneServer);
  inHand.connected('first');
  const settle = (delivery: NatsDelivery) => inHand.answer(inHand.take(delivery)!, '+ACK');
  return { inHand, settle };
}

test('a message that comes again is not delivered again, and its latest delivery is answered', () => {
  const { inHand, settle } = inHandOf(true);
  const [first, again] = [delivered(1), delivered(1)];
  inHand.add(first.delivery);
  expect(inHand.comesAgain(again.raw, again.place)).toBe(true);
  settle(first.delivery);
  expect([first.answers, again.answers]).toEqual([[], ['+ACK']]);
});

test('another message with the number of one in hand is delivered, and each is settled by itself', () => {
  const { inHand, settle } = inHandOf(true);
  const [lost, other] = [delivered(1, '1'), delivered(1, '2')];
  inHand.add(lost.delivery);
  expect(inHand.comesAgain(other.raw, other.place)).toBe(false);
  inHand.add(other.delivery);
  expect(inHand.deliveries).toEqual([lost.delivery, other.delivery]);
  settle(lost.delivery);
  expect([lost.answers, other.answers]).toEqual([[], []]);
  settle(other.delivery);
  expect([lost.answers, other.answers, inHand.size]).toEqual([[], ['+ACK'], 0]);
});

test.each([
  ['that has started anew on its own is not sent', true, 'second', []],
  ['that was away and has not ended is sent', true, 'first', ['+ACK']],
  ['whose replica took over is sent', false, 'second', ['+ACK']],
] as const)('an answer that waited for a server %s', (_, isOnOneServer, comesBackAs, sent) => {
  const { inHand, settle } = inHandOf(isOnOneServer);
  const { delivery, answers } = delivered(1);
  inHand.add(delivery);
  inHand.disconnected();
  settle(delivery);
  expect(answers).toEqual([]);
  inHand.connected(comesBackAs);
  expect(answers).toEqual(sent);
});

test('what came before the server started anew is neither refreshed nor acknowledged until it comes again', () => {
  const { inHand, settle } = inHandOf(true);
  const [first, again] = [delivered(1), delivered(1)];
  inHand.add(first.delivery);
  inHand.refresh(Infinity);
  expect(first.answers).toEqual(['+WPI']);
  inHand.disconnected();
  inHand.refresh(Infinity);
  inHand.connected('second');
  inHand.refresh(Infinity);
  expect(first.answers).toEqual(['+WPI']);
  expect(inHand.comesAgain(again.raw, again.place)).toBe(true);
  inHand.refresh(Infinity);
  settle(first.delivery);
  expect([first.answers, again.answers]).toEqual([['+WPI'], ['+WPI', '+ACK']]);
});
