import { anEvent } from '../testing/broker-events';
import { describeEventProvider } from '../testing/event-provider.contract';
import { MemoryProvider } from './memory-provider';

describeEventProvider('memory', async () => {
  const provider = new MemoryProvider();
  return { open: async () => provider, drop: () => provider.close(), isShared: true };
});

describe('the memory provider', () => {
  let provider: MemoryProvider;
  afterEach(() => provider.close());

  it('evicts what was not used for longest, and counts it', async () => {
    provider = new MemoryProvider({ maxEvents: 2 });
    const [one, two, three] = [anEvent(), anEvent(), anEvent()];
    provider.publish([one, two]);
    await provider.get(one.id);
    provider.publish([three]);
    expect((await provider.list()).map(({ id }) => id)).toEqual([one.id, three.id]);
    expect((await provider.stats()).provider_specific).toMatchObject({ evictions: 1 });
  });

  it('deletes old events that are completed, and no others', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] });
    try {
      provider = new MemoryProvider({ cleanupIntervalMs: 1_000, maxAgeMs: 60_000 });
      const old = new Date(Date.now() - 61_000);
      const [done, dead, young] = [anEvent({ created_at: old }), anEvent({ created_at: old }), anEvent()];
      provider.publish([done, dead, young]);
      provider.updateStatus([
        { id: done.id, status: 'completed', at: new Date() },
        { id: young.id, status: 'completed', at: new Date() },
        { id: dead.id, status: 'failed', at: new Date() },
      ]);
      jest.advanceTimersByTime(1_000);
      expect((await provider.list()).map(({ id }) => id)).toEqual([dead.id, young.id]);
    } finally {
      jest.useRealTimers();
    }
  });

  it.each([
    ['cleanupIntervalMs', { cleanupIntervalMs: 2 ** 31 }],
    ['cleanupIntervalMs', { cleanupIntervalMs: 0 }],
    ['maxAgeMs', { maxAgeMs: NaN }],
  ])('%s is refused in %o', (name, options) => {
    const refusal = { code: 'invalid_configuration', message: expect.stringContaining(name) as string };
    expect(() => new MemoryProvider(options)).toThrow(expect.objectContaining(refusal));
  });

  it('a stream from which events were evicted unread ends with stream_lagged', async () => {
    provider = new MemoryProvider({ maxEvents: 3 });
    const stream = await provider.stream({ patterns: ['*'], signal: new AbortController().signal });
    provider.publish(Array.from({ length: 5 }, () => anEvent()));
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'stream_lagged' });
  });

  it('a stream does not lag behind its own origin, however much of it was evicted', async () => {
    provider = new MemoryProvider({ maxEvents: 3 });
    const stream = await provider.stream({
      patterns: ['*'],
      withoutOrigin: 'me',
      signal: new AbortController().signal,
    });
    const next = stream[Symbol.asyncIterator]().next();
    for (let number = 0; number < 5_000; number += 1) provider.publish([anEvent()], 'me');
    const mark = anEvent();
    provider.publish([mark], 'you');
    expect((await next).value).toMatchObject({ id: mark.id });
  });
});

it('the log does not grow with what was evicted, also when its first event stays', async () => {
  const provider = new MemoryProvider({ maxEvents: 10 });
  const first = anEvent();
  provider.publish([first]);
  for (let number = 0; number < 5_000; number += 1) {
    provider.publish([anEvent()]);
    await provider.get(first.id);
  }
  expect((await provider.list())[0]!.id).toBe(first.id);
  expect((provider as unknown as { log: unknown[] }).log.length).toBeLessThan(1_100);
  await provider.close();
});
