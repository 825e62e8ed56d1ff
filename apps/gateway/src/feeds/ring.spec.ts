import { aHint } from '@tocsin/contracts/testing';
import { Ring, RingBudget } from './ring';

const hints = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, i) => aHint({ seq: first + i }));
const at = (seq: number) => ({ epoch: 'e1', seq, fp: 'abcdefgh' });
const seqs = (ring: Ring, seq: number) => ring.behind(at(seq))?.map((hint) => hint.seq);
const filled = (last: number, { maxEntries = 10, budget = new RingBudget(1e6) } = {}) => {
  const ring = new Ring(maxEntries, budget);
  for (const hint of hints(last)) ring.push(hint);
  return ring;
};

it('gives the entries after a position, none after the newest, and undefined where it does not reach', () => {
  const ring = filled(25);
  expect([ring.depth, ring.firstSeq]).toEqual([10, 16]);
  expect(seqs(ring, 22)).toEqual([23, 24, 25]);
  expect(seqs(ring, 25)).toEqual([]);
  expect(seqs(ring, 15)).toBeUndefined();
  expect(seqs(ring, 26)).toBeUndefined();
});

it('gives a page at a time: 500 small entries, or a megabyte and the entry that exceeds it', () => {
  const small = filled(600, { maxEntries: 1_000 });
  expect(seqs(small, 50)).toEqual(Array.from({ length: 500 }, (_, i) => 51 + i));
  expect(seqs(small, 550)).toHaveLength(50);
  const large = new Ring(100, new RingBudget(1e9));
  for (const hint of hints(50)) large.push({ ...hint, data: Buffer.alloc(60_000) });
  expect(seqs(large, 1)).toEqual(Array.from({ length: 18 }, (_, i) => 2 + i));
});

it('gives undefined for a position of another history', () => {
  const ring = filled(5);
  expect(ring.behind({ ...at(3), fp: 'hgfedcba' })).toBeUndefined();
  expect(ring.behind({ ...at(3), epoch: 'e2' })).toBeUndefined();
});

it('is filled backwards', () => {
  const ring = new Ring(10, new RingBudget(1e6));
  expect([ring.firstSeq, ring.depth]).toEqual([undefined, 0]);
  ring.push(aHint({ seq: 6 }));
  ring.prepend(hints(5, 3));
  expect(seqs(ring, 3)).toEqual([4, 5, 6]);
});

it('of the feed that was silent for longest goes first when the memory is used up', () => {
  const size = aHint({ seq: 1 }).data!.length;
  const budget = new RingBudget(25 * size);
  const [oldest, older, newest] = [10, 10, 4].map((last) => filled(last, { budget })) as [Ring, Ring, Ring];
  expect(oldest.hasRoom).toBe(false);
  for (const hint of hints(8, 5)) newest.push(hint);
  expect([oldest.depth, older.depth, newest.depth]).toEqual([0, 10, 8]);
  // Memory that was given back can be used again.
  older.close();
  for (const hint of hints(10)) oldest.push(hint);
  expect([oldest.depth, older.depth, newest.depth]).toEqual([10, 0, 8]);
});

it('keeps no more memory alive than it counts, beyond its newest entries', () => {
  const chunks = (first: number, last: number) =>
    hints(last, first).map((hint) => ({ ...hint, data: Buffer.alloc(65_536, 'x').subarray(100, 800) }));
  const kept = (ring: Ring) => [...new Set(ring.behind(at(0))!.map(({ data }) => data!.buffer))];
  const bytesOf = (ring: Ring) => kept(ring).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const ring = new Ring(200, new RingBudget(1e6));
  ring.push({ ...aHint({ seq: 0 }), data: Buffer.alloc(100) });
  for (const hint of chunks(1, 100)) ring.push(hint);
  expect(bytesOf(ring)).toBe(64 * 700 + 36 * 65_536);
  ring.tidy();
  expect(bytesOf(ring)).toBe(100 * 700);
  expect(ring.behind(at(99))!.map(({ data }) => data!.toString())).toEqual(['x'.repeat(700)]);

  const filled = new Ring(200, new RingBudget(1e6));
  filled.push(aHint({ seq: 101 }));
  filled.prepend([aHint({ seq: 0 }), ...chunks(1, 100)]);
  expect(kept(filled)).toHaveLength(3);
});

it('keeps entries in small pieces of memory, so that one that is kept elsewhere keeps few others alive', () => {
  const ring = new Ring(200, new RingBudget(1e9));
  ring.push(aHint({ seq: 61 }));
  ring.prepend(hints(60).map((hint) => ({ ...hint, data: Buffer.alloc(hint.seq === 30 ? 100_000 : 20_000, 'x') })));
  const pieces = ring.behind(at(1))!.map(({ data }) => data!.buffer.byteLength);
  expect(Math.max(...pieces.filter((_, i) => i !== 28))).toBe(60_000);
  expect(pieces[28]).toBe(100_000);
});
