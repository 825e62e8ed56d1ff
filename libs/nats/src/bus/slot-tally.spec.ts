import type { SlotStatement } from '@tocsin/transport';
import { SlotTally } from './slot-tally';

const LIFETIME_MS = 6_000;

/** A statement about the slots `u` and `t`, of which each wanted stream wants the named ones. */
const says = (gateway: string, counts: [number, number], wanted: SlotStatement['wanted'] = []): SlotStatement => ({
  gateway,
  lifetimeMs: LIFETIME_MS,
  slots: ['u', 't'],
  counts,
  wanted,
});

let tally: SlotTally;
beforeEach(() => void (tally = new SlotTally()));

it('a stream takes all of its slots or none, and the order of the log decides', () => {
  const both: [number, number][] = [
    [0, 2],
    [1, 1],
  ];
  expect(tally.take(says('one', [0, 0], [both, both]), 0)).toEqual({ full: [0, 2], forgotten: true });
  expect(tally.take(says('other', [0, 0], [[[0, 2]], [[0, 2]]]), 1).full).toEqual([0, 1]);
  expect([tally.streamsIn('u', 2), tally.streamsIn('t', 2)]).toEqual([2, 1]);
});

it("a gateway's own word replaces what is known of it", () => {
  tally.take(says('one', [5, 1]), 0);
  expect(tally.take(says('one', [2, 0]), 1)).toEqual({ full: [], forgotten: false });
  expect([tally.streamsIn('u', 2), tally.streamsIn('t', 2)]).toEqual([2, 0]);
});

it('the streams of a silent gateway do not count, count again when it speaks, and are forgotten after a minute', () => {
  tally.take(says('one', [1, 1]), 0);
  expect(tally.take(says('other', [0, 0], [[[0, 1]]]), LIFETIME_MS - 1).full).toEqual([1]);
  expect(tally.take(says('other', [0, 0], [[[0, 1]]]), LIFETIME_MS).full).toEqual([0]);
  expect(tally.take({ ...says('one', [1, 1]), slots: ['t'], counts: [1] }, 20_000).forgotten).toBe(false);
  expect(tally.streamsIn('u', 20_001)).toBe(1);
  tally.take(says('other', [0, 0]), 20_000 + LIFETIME_MS + 60_001);
  expect(tally.take(says('one', [1, 1]), 90_000).forgotten).toBe(true);
});

it('a gateway that closes has no streams any more, and after a reset none has', () => {
  tally.take(says('one', [1, 1]), 0);
  tally.take(says('other', [1, 0]), 0);
  tally.take({ gateway: 'one', closed: true }, 1);
  expect(tally.streamsIn('u', 2)).toBe(1);
  tally.reset();
  expect(tally.streamsIn('u', 2)).toBe(0);
});
