import { weaknessesOf } from './durability';

const SAFE = {
  name: 'alerts-common',
  storage: 'file',
  num_replicas: 3,
  max_age: 0,
  discard: 'new',
  retention: 'workqueue',
  max_msgs: 100,
} as const;

it('says nothing of streams on three servers', () => {
  expect(weaknessesOf([SAFE, { ...SAFE, name: 'alerts-urgent', max_msgs: -1 }], 100)).toEqual([]);
});

it.each([
  [{ storage: 'memory' as const }, 'NATS keeps alerts-common in memory'],
  [{ num_replicas: 1 }, 'one NATS server keeps alerts-common'],
  [{ max_age: 1 }, 'alerts-common has a max_age'],
  [{ retention: 'limits' as const }, 'alerts-common is no work queue'],
  [{ discard: 'old' as const }, 'alerts-common discards old messages'],
  [{ max_msgs: 101 }, 'alerts-common has room for more messages'],
])('names a stream with %j', (configured, says) => {
  expect(weaknessesOf([{ ...SAFE, ...configured }], 100)).toEqual([expect.stringContaining(says)]);
});
