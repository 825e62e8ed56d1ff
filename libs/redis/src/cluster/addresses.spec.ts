import { namesCluster, redisAddresses } from './addresses';

test('addresses are separated by commas, and a comma within a password separates nothing', () => {
  const list = 'redis://u:a,b@one:6379, rediss://two:6380';
  expect(redisAddresses(list)).toEqual(['redis://u:a,b@one:6379', 'rediss://two:6380']);
  expect([namesCluster(list), namesCluster('redis://u:a,b@one:6379')]).toEqual([true, false]);
});
