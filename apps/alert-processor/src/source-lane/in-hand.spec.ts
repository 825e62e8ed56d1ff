import { InHand } from './in-hand';
import { deliveryOf, RecordingSession } from './testing/recording-session';

describe('what a session has delivered', () => {
  let session: RecordingSession;
  let inHand: InHand;
  beforeEach(() => {
    session = new RecordingSession();
    inHand = new InHand(session);
  });
  const run = (...bodies: string[]) => inHand.add(bodies.map((body) => deliveryOf(body)));

  it('is acknowledged up to the low-water mark, and never beyond a batch that is not settled', () => {
    const [first, second, third] = [run('0', '1'), run('2'), run('3')];
    inHand.settle(second);
    expect(session.told).toEqual([]);
    inHand.settle(first);
    expect(session.told).toEqual(['up to 2']);
    inHand.settle(third);
    expect(session.told).toEqual(['up to 2', 'up to 3']);
    expect(inHand.isEmpty).toBe(true);
  });

  it('is acknowledged one by one behind a late message', () => {
    const [first, second] = [run('0', 'long', '1'), run('2', '3')];
    const [, long] = first.deliveries;
    inHand.straggle(first, new Set([long!]));
    expect(session.told).toEqual(['ack 0', 'ack 1']);
    inHand.settle(second);
    expect(session.told.slice(2)).toEqual(['ack 2', 'ack 3']);
    inHand.letGo(first, long!);
    expect(session.told.slice(4)).toEqual(['ack long']);
    expect(inHand.isEmpty).toBe(true);
  });

  it('waits, beside a late message, for what came before it', () => {
    const [first, second, third] = [run('0'), run('long'), run('2')];
    inHand.straggle(second, new Set(second.deliveries));
    inHand.settle(third);
    expect(session.told).toEqual([]);
    inHand.settle(first);
    expect(session.told).toEqual(['up to 0', 'ack 2']);
  });

  it('is given back, and what was settled behind it is acknowledged', () => {
    const [first, second] = [run('0', '1'), run('2')];
    inHand.settle(second);
    inHand.giveBack(first);
    expect(session.told).toEqual(['back 0', 'back 1', 'up to 2']);
  });

  it('gets no acknowledgement once the session is lost', () => {
    const [first, second] = [run('0', '1'), run('2')];
    inHand.lose();
    inHand.straggle(first, new Set([first.deliveries[0]!]));
    inHand.letGo(first, first.deliveries[0]!);
    inHand.settle(second);
    inHand.giveBack(second);
    expect(session.told).toEqual([]);
  });
});
