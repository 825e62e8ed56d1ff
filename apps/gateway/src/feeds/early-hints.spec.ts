import { aHint } from '@tocsin/contracts/testing';
import { EarlyHints } from './early-hints';

const early = (maxHints = 10, maxBytes?: number) => new EarlyHints(maxHints, maxBytes);
const keep = (hints: EarlyHints, ...seqs: number[]) => seqs.forEach((seq) => hints.keep(aHint({ seq })));

it('keeps hints by number, each once, until their turn has come', () => {
  const hints = early();
  keep(hints, 7, 5, 7);
  expect([hints.size, hints.seqs]).toEqual([2, [7, 5]]);
  expect(hints.at(5)!.seq).toBe(5);
  expect(hints.at(6)).toBeUndefined();
  hints.forgetUpTo(6);
  expect(hints.seqs).toEqual([7]);
  hints.forget(7);
  hints.forget(7);
  expect(hints.size).toBe(0);
});

it('drops what it has no room for, in number and in bytes, and has room again for what is forgotten', () => {
  const few = early(2);
  keep(few, 3, 4, 5);
  expect(few.seqs).toEqual([3, 4]);
  const small = early(10, 2 * aHint({ seq: 1 }).data!.length);
  keep(small, 3, 4, 5);
  expect(small.seqs).toEqual([3, 4]);
  small.forget(3);
  keep(small, 5);
  expect(small.seqs).toEqual([4, 5]);
  small.clear();
  keep(small, 6, 7, 8);
  expect(small.seqs).toEqual([6, 7]);
});
