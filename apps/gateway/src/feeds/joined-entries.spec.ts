import { setImmediate as turn } from 'node:timers/promises';
import { aHint } from '@tocsin/contracts/testing';
import { JoinedEntries } from './joined-entries';

let busyMs: number;
let joined: JoinedEntries;
let written: (number[] | undefined)[];
const take = () => joined.take()?.map(({ seq }) => seq);
const add = (...seqs: number[]) => seqs.forEach((seq) => joined.add(aHint({ seq })));

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  [busyMs, written] = [0, []];
  joined = new JoinedEntries(
    () => busyMs,
    () => void written.push(take()),
  );
});
afterEach(() => void jest.useRealTimers());

it('entries of one turn are due together when it ends', async () => {
  add(1, 2);
  expect(written).toEqual([]);
  await turn();
  expect(written).toEqual([[1, 2]]);
});

it('while the process is busy, entries that follow others wait, and leave together', async () => {
  busyMs = 40;
  add(1);
  await turn();
  for (const seq of [2, 3, 4]) {
    jest.advanceTimersByTime(13);
    add(seq);
    await turn();
  }
  expect(written).toEqual([[1]]);
  jest.advanceTimersByTime(13 + 1);
  expect(written).toEqual([[1], [2, 3, 4]]);
});

it('entries that were taken early are not taken again, and nothing is due after closing', async () => {
  add(1);
  expect(take()).toEqual([1]);
  expect(take()).toBeUndefined();
  await turn();
  busyMs = 40;
  add(2);
  joined.close();
  jest.advanceTimersByTime(100);
  expect(written).toEqual([undefined]);
});
