import { SettleDeadLetters } from './settle-dead-letters';
import { MemoryDeadLetters, MemoryRawIntake } from './testing/dead-letters-in-memory';

let letters: MemoryDeadLetters;
let queue: MemoryRawIntake;
let settle: SettleDeadLetters;
beforeEach(() => {
  letters = new MemoryDeadLetters();
  queue = new MemoryRawIntake();
  settle = new SettleDeadLetters(letters, queue);
});

const every = { tenant_id: null, reason: null, up_to: null, limit: 500 };
const open = () => letters.stored.filter(({ status }) => status === 'open').length;

it('a redriven message is the one that came: bytes, key, id and time', async () => {
  const body = Buffer.from([0xff, 0]);
  letters.add({ body, message_id: 'm-1', message_timestamp: 7, routing_key: 'any.key' });
  letters.add({ routing_key: null });
  await settle.redriveMany('all', every, 'ana');
  expect(queue.published).toEqual([
    { body, routing_key: 'any.key', message_id: 'm-1', timestamp: 7 },
    { body: letters.stored[1]!.body, routing_key: '', message_id: 'dead-letter-2', timestamp: 1_767_323_045 },
  ]);
});

it('a letter is marked after the confirmation and not without it', async () => {
  letters.add();
  queue.confirms = () => false;
  await expect(settle.redrive('all', 1, 'ana')).rejects.toMatchObject({ code: 'publish_failed' });
  queue.away = true;
  await expect(settle.redrive('all', 1, 'ana')).rejects.toMatchObject({ name: 'Unavailable' });
  expect(open()).toBe(1);

  queue.away = false;
  queue.confirms = () => true;
  expect(await settle.redrive('all', 1, 'ana')).toMatchObject({ status: 'redriven', decided_by: 'ana' });
});

it('a letter whose mark was lost is published again under the same id', async () => {
  letters.add();
  jest.spyOn(letters, 'decide').mockRejectedValueOnce(new Error('cut off'));
  await expect(settle.redrive('all', 1, 'ana')).rejects.toThrow('cut off');
  await settle.redrive('all', 1, 'ana');
  expect(queue.published.map(({ message_id }) => message_id)).toEqual(['dead-letter-1', 'dead-letter-1']);
  expect(open()).toBe(0);
});

it('of many, only the requested number is redriven, and a message that is refused again is not in the set', async () => {
  for (let i = 0; i < 250; i += 1) letters.add();
  const first = await settle.redriveMany('all', { ...every, limit: 120 }, 'ana');
  expect(first).toEqual({ settled: 120, failed: 0, left: 130, up_to: 250 });
  expect(queue.published).toHaveLength(120);
  for (let i = 0; i < 5; i += 1) letters.add();
  expect(await settle.redriveMany('all', { ...every, up_to: first.up_to }, 'ana')).toEqual({
    settled: 130,
    failed: 0,
    left: 0,
    up_to: 250,
  });
  expect(open()).toBe(5);
});

it('of many, those that the queue does not confirm stay open, and no more are published', async () => {
  for (let i = 0; i < 250; i += 1) letters.add();
  queue.confirms = ({ message_id }) => message_id !== 'dead-letter-150';
  expect(await settle.redriveMany('all', every, 'ana')).toEqual({ settled: 199, failed: 1, left: 51, up_to: 250 });
  expect(queue.published).toHaveLength(200);
});

it('of many, those that were redriven are counted when the queue is full afterwards', async () => {
  for (let i = 0; i < 250; i += 1) letters.add();
  queue.room = 150;
  expect(await settle.redriveMany('all', every, 'ana')).toEqual({ settled: 100, failed: 100, left: 150, up_to: 250 });
  await expect(settle.redriveMany('all', every, 'ana')).rejects.toMatchObject({ name: 'QueueFull' });
});

it('truncated letters are not redriven: a single one is refused, and sets exclude them', async () => {
  letters.add({ truncated: true });
  await expect(settle.redrive('all', 1, 'ana')).rejects.toMatchObject({ code: 'truncated' });
  expect(await settle.redriveMany('all', every, 'ana')).toEqual({ settled: 0, failed: 0, left: 0, up_to: 0 });
  expect(await settle.discardMany('all', every, 'ana', 'too long')).toMatchObject({ settled: 1, left: 0 });
  expect(queue.published).toEqual([]);
});

it('of many, only those up to the number are discarded', async () => {
  for (let i = 0; i < 4; i += 1) letters.add({ reason: i === 1 ? 'too_deep' : 'invalid_json' });
  expect(await settle.discardMany('all', { ...every, reason: 'invalid_json', up_to: 3 }, 'ana', 'noise')).toEqual({
    settled: 2,
    failed: 0,
    left: 0,
    up_to: 3,
  });
  expect(letters.stored.map(({ status, note }) => [status, note])).toEqual([
    ['discarded', 'noise'],
    ['open', null],
    ['discarded', 'noise'],
    ['open', null],
  ]);
});
