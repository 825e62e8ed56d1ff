import { failoverWeakness } from './durability';

test('a cluster whose messages wait for no replica is said to be weak, where messages are published', () => {
  const [cluster, one] = ['redis://a,redis://b', 'redis://a'];
  expect(failoverWeakness(cluster, 0)).toEqual([expect.stringContaining('REDIS_QUEUE_REPLICAS is 0')]);
  for (const replicas of [1, undefined]) expect(failoverWeakness(cluster, replicas)).toEqual([]);
  expect(failoverWeakness(one, 0)).toEqual([]);
});
