import { readSettings } from '@tocsin/settings';
import {
  bridgeProblems,
  bridgesPlain,
  clusterProblems,
  plainPrefixOf,
  plainProblems,
  redisPlainSettings,
  redisSettings,
} from './settings';

describe('the settings of plain messages', () => {
  const chosen = {
    BUS: 'redis',
    REDIS_URL: 'redis://r',
    REDIS_PREFIX: '',
    REDIS_PLAIN: 'publish',
    REDIS_PLAIN_PREFIX: 'plain:',
  } as const;

  it('refuse the topics of the hints, a bus that is not Redis, and no Redis at all', () => {
    expect(plainProblems(chosen)).toEqual([]);
    expect(plainProblems({ ...chosen, REDIS_PLAIN_PREFIX: '' })).toEqual([
      'REDIS_PLAIN_PREFIX must differ from REDIS_PREFIX: gateways would take plain messages for forged hints.',
    ]);
    for (const BUS of ['nats', 'postgres'])
      expect(plainProblems({ ...chosen, BUS })).toEqual(['REDIS_PLAIN=publish needs BUS=redis.']);
    expect(plainProblems({ ...chosen, BUS: undefined, REDIS_URL: undefined })).toEqual([
      'REDIS_PLAIN=publish needs REDIS_URL.',
    ]);
  });

  it('may be empty before the topics when the hints have a prefix', () => {
    const empty = { ...chosen, REDIS_PREFIX: 'tocsin:', REDIS_PLAIN_PREFIX: '' };
    expect(plainProblems(empty)).toEqual([]);
    expect(plainPrefixOf(empty)).toBe('');
  });

  it('send nothing when it is off, whatever the prefixes are', () => {
    const off = { ...chosen, REDIS_PLAIN: 'off', REDIS_PLAIN_PREFIX: '' } as const;
    expect(plainProblems(off)).toEqual([]);
    expect(plainPrefixOf(off)).toBeUndefined();
  });

  it('need no prefix of their own and no bus in Redis to be taken, but Redis', () => {
    const bridge = { ...chosen, REDIS_PLAIN: 'bridge', REDIS_PLAIN_PREFIX: '', BUS: 'postgres' } as const;
    expect([...plainProblems(bridge), ...bridgeProblems(bridge)]).toEqual([]);
    expect(plainPrefixOf(bridge)).toBeUndefined();
    const withoutRedis = { ...bridge, REDIS_URL: undefined };
    expect([...plainProblems(withoutRedis), ...bridgeProblems(withoutRedis)]).toEqual([
      'REDIS_PLAIN=bridge needs REDIS_URL.',
    ]);
  });

  it('may have an empty prefix, for programs that listen on alerts:<tenant>', () => {
    const prefixOf = (environment: Record<string, string>) =>
      readSettings(redisPlainSettings, environment).REDIS_PLAIN_PREFIX;
    expect([prefixOf({}), prefixOf({ REDIS_PLAIN_PREFIX: '' }), prefixOf({ REDIS_PLAIN_PREFIX: ' ' })]).toEqual([
      'plain:',
      '',
      'plain:',
    ]);
  });

  it('can be both sent and taken, with the conditions of both', () => {
    const both = { ...chosen, REDIS_PLAIN: 'both' } as const;
    expect([bridgesPlain(both), plainPrefixOf(both)]).toEqual([true, 'plain:']);
    expect(plainProblems(both)).toEqual([]);
    expect(plainProblems({ ...both, REDIS_PLAIN_PREFIX: '', BUS: 'postgres' })).toHaveLength(2);
    expect([bridgesPlain(chosen), bridgesPlain({ ...chosen, REDIS_PLAIN: 'off' })]).toEqual([false, false]);
  });
});

describe('the settings of a Redis Cluster', () => {
  const REDIS_URL = 'redis://one,redis://two:7000/';

  it('are several addresses, of which each must be one', () => {
    expect(redisSettings.REDIS_URL.safeParse(REDIS_URL).success).toBe(true);
    for (const wrong of ['redis://one,two:7000', 'redis://one,amqp://two', 'amqp://one'])
      expect(redisSettings.REDIS_URL.safeParse(wrong).success).toBe(false);
  });

  it('need a prefix that keeps all keys in one slot, and no database number', () => {
    const prefix = expect.stringContaining('REDIS_PREFIX must begin with a hash tag');
    for (const REDIS_PREFIX of ['', 'tocsin:', 'a{b}', '{}a', '{a'])
      expect(clusterProblems({ REDIS_URL, REDIS_PREFIX })).toEqual([prefix]);
    expect(clusterProblems({ REDIS_URL, REDIS_PREFIX: '{tocsin}one:' })).toEqual([]);
    expect(clusterProblems({ REDIS_URL: 'redis://one/0,redis://two/3', REDIS_PREFIX: '{tocsin}' })).toEqual([
      expect.stringContaining('no database number'),
    ]);
    expect(clusterProblems({ REDIS_URL: 'redis://one/3', REDIS_PREFIX: '' })).toEqual([]);
  });

  it('allow plain messages to be sent, and not to be taken', () => {
    const chosen = { REDIS_URL, REDIS_PREFIX: '{tocsin}' };
    for (const REDIS_PLAIN of ['off', 'publish'] as const)
      expect(clusterProblems({ ...chosen, REDIS_PLAIN })).toEqual([]);
    for (const REDIS_PLAIN of ['bridge', 'both'] as const)
      expect(clusterProblems({ ...chosen, REDIS_PLAIN })).toEqual([
        expect.stringContaining(`REDIS_PLAIN=${REDIS_PLAIN} needs one Redis`),
      ]);
  });
});
