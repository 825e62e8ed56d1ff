import { brokerFromConfig, brokerFromYaml, EXAMPLE_YAML } from './configuration';
import { getDefaultBroker, initialize, isInitialized, setDefaultBroker } from './default-broker';
import { MemoryProvider } from './providers/memory-provider';
import { anEvent, eventually } from './testing/broker-events';

it('the example is the default, and variables of the environment are filled in', async () => {
  const broker = (await brokerFromYaml(EXAMPLE_YAML, { HOSTNAME: 'pod-7' }))!;
  const bare = (await brokerFromYaml('', {}))!;
  const { provider, instanceId, ...settings } = broker['settings'];
  expect(instanceId).toBe('pod-7');
  expect(settings).toMatchObject({
    mode: 'async',
    policy: { maxRetries: 3, initialDelayMs: 1_000, maxDelayMs: 30_000, backoffFactor: 2 },
  });
  expect(bare['settings']).toMatchObject(settings);
  expect((await provider.stats()).provider_specific).toEqual((await bare.provider.stats()).provider_specific);
  await Promise.all([broker.stop(), bare.stop()]);
});

it('enabled: false makes none', async () => {
  expect(await brokerFromYaml('event_broker: { enabled: false }', {})).toBeUndefined();
});

it('everything that is wrong is said at once, by name and without the value', async () => {
  const wrong = {
    provider: 'kafka',
    worker_count: 0,
    retries: 3,
    retry_policy: { initial_delay: 'soon', backoff_factor: 0.5 },
    redis: { port: 'secret' },
    memory: 7,
  };
  const error = await brokerFromConfig(wrong, {}).catch((thrown: Error) => thrown);
  expect(error).toMatchObject({ code: 'invalid_configuration' });
  for (const name of ['provider', 'worker_count', 'retries', 'initial_delay', 'backoff_factor', 'redis.port', 'memory'])
    expect((error as Error).message).toContain(name);
  expect((error as Error).message).not.toContain('secret');
});

it('a duration that no timer can wait for is refused by its name; what no timer waits for may be longer', async () => {
  const refused = (memory: object, retry_policy: object) =>
    brokerFromConfig({ memory, retry_policy }, {}).catch((thrown: Error) => thrown);
  for (const ms of ['597h', '0ms', '0.5ms']) {
    const error = await refused({ cleanup_interval: ms }, { initial_delay: ms, max_delay: ms });
    expect(error).toMatchObject({ code: 'invalid_configuration' });
    for (const name of ['memory.cleanup_interval', 'retry_policy.initial_delay', 'retry_policy.max_delay'])
      expect((error as Error).message).toContain(
        `${name} is a duration such as 500ms, 1s, 5m or 24h, from 1ms to 596h`,
      );
  }
  expect(await refused({ max_age: '0ms' }, {})).toMatchObject({ code: 'invalid_configuration' });
  const broker = (await brokerFromConfig({ memory: { max_age: '720h', cleanup_interval: '596h' } }, {}))!;
  expect(broker.provider).toMatchObject({ maxAgeMs: 720 * 3_600_000 });
  await broker.stop();
});

it('a database without its url is refused, and so is nats', async () => {
  await expect(brokerFromConfig({ provider: 'database', database: { url: '${NONE}' } }, {})).rejects.toThrow('url');
  await expect(brokerFromConfig({ provider: 'nats' }, {})).rejects.toThrow('nats is not there');
});

it.each(['one:6379,two:6379', 'one, two', 'one two', ['one', 'two']])(
  'several addresses of Redis (%j) are refused by the name of the setting, for a cluster is not supported',
  async (host) => {
    const error = await brokerFromConfig({ provider: 'redis', redis: { host } }, {}).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'invalid_configuration' });
    expect((error as Error).message).toContain('event_broker.redis.host');
    expect((error as Error).message).toContain('one Redis');
    expect((error as Error).message).not.toContain('two');
  },
);

it('the subscriptions of a default broker are made before it starts', async () => {
  const provider = new MemoryProvider();
  const left = anEvent({ instance_id: 'one', created_at: new Date(Date.now() - 1_000) });
  await provider.publish([left]);
  const handled: string[] = [];
  const broker = await initialize({ provider, instanceId: 'one' }, (made) => {
    made.subscribe('*', ({ id }) => void handled.push(id));
  });
  await eventually(() => handled.length === 1 || undefined);
  expect(handled).toEqual([left.id]);
  await broker.stop();
  setDefaultBroker(undefined);
});

it('the default broker is the one that was initialized', async () => {
  expect(isInitialized()).toBe(false);
  expect(getDefaultBroker).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
  const broker = await initialize({ mode: 'sync' });
  expect(getDefaultBroker()).toBe(broker);
  await broker.stop();
  setDefaultBroker(undefined);
  expect(isInitialized()).toBe(false);
});
