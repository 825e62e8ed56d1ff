import type { EventBrokerOptions } from './broker-options';
import type { HandlerFailure } from './delivery';
import type { BrokerEvent } from './event';
import { EventBroker } from './event-broker';
import type { StatusChange } from './event-provider';
import { MemoryProvider } from './providers/memory-provider';
import { eventually, gate } from './testing/broker-events';

const CREATE = 'public.users.create';
const FAST = { maxRetries: 2, initialDelayMs: 1, maxDelayMs: 5 };

let broker: EventBroker;
const start = async (options: EventBrokerOptions = {}) => {
  broker = new EventBroker({ instanceId: 'one', retryPolicy: FAST, ...options });
  await broker.start();
  return broker;
};
afterEach(() => broker.stop(1_000));

describe('modes', () => {
  it('in sync mode publish resolves when all handlers have returned, with what failed, and never rejects for it', async () => {
    await start({ mode: 'sync' });
    const done: string[] = [];
    broker.subscribe('public.users.*', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      done.push('slow');
    });
    broker.subscribe('*', { handle: () => void done.push('object') });
    broker.subscribe(CREATE, () => Promise.reject(new Error('no mail server')), { name: 'mails' });
    const result = await broker.publish({ type: CREATE });
    expect(done.sort()).toEqual(['object', 'slow']);
    expect(result).toMatchObject({ status: 'failed', failures: [{ error: new Error('no mail server') }] });
    expect(await broker.provider.get(result.id)).toMatchObject({ status: 'failed', error: 'mails: no mail server' });
  });

  it('sync: events are handled one after the other in the order of publication, also when the publisher does not await', async () => {
    await start({ mode: 'sync' });
    const order: unknown[] = [];
    broker.subscribe('*', async ({ payload }) => {
      order.push(`begin ${payload}`);
      await new Promise((resolve) => setTimeout(resolve, payload === 1 ? 10 : 0));
      order.push(`end ${payload}`);
    });
    await Promise.all([1, 2, 3].map((payload) => broker.publish({ type: CREATE, payload })));
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
  });

  it('sync: a handler that publishes does not wait for itself', async () => {
    await start({ mode: 'sync' });
    const heard: string[] = [];
    broker.subscribe('*', ({ type }) => void heard.push(type));
    broker.subscribe(CREATE, () => broker.publish({ type: 'public.mails.create' }));
    await broker.publish({ type: CREATE });
    expect(heard).toEqual([CREATE, 'public.mails.create']);
  });

  it('async: publish resolves before the handlers, and workers handle as many at a time as there are', async () => {
    await start({ workerCount: 3 });
    const { entered, release, handler } = gate();
    broker.subscribe('*', handler);
    const results = await broker.publishBatch(Array.from({ length: 5 }, () => ({ type: CREATE })));
    expect(results.every(({ status }) => status === 'pending')).toBe(true);
    await eventually(() => entered.length === 3 || undefined);
    expect(await broker.stats()).toMatchObject({
      active_workers: 3,
      queue_size: 2,
      total_published: 5,
      total_processed: 0,
    });
    release();
    await eventually(async () => (await broker.stats()).total_processed === 5 || undefined);
    expect(await broker.provider.list({ status: 'completed' })).toHaveLength(5);
  });

  it('publishSync and publishAsync choose for one event, whatever the mode is', async () => {
    await start({ mode: 'sync' });
    broker.subscribe('*', () => {});
    expect((await broker.publishAsync({ type: CREATE })).status).toBe('pending');
    expect((await broker.publishSync({ type: CREATE })).status).toBe('completed');
  });
});

describe('bounds', () => {
  it('a full queue refuses with queue_full before anything is stored: nothing is left pending', async () => {
    await start({ workerCount: 1, bufferSize: 2 });
    const { entered, release, handler } = gate();
    broker.subscribe('*', handler);
    await broker.publish({ type: CREATE });
    await eventually(() => entered.length === 1 || undefined);
    await broker.publishBatch([{ type: CREATE }, { type: CREATE }]);
    await expect(broker.publish({ type: CREATE })).rejects.toMatchObject({
      code: 'queue_full',
      message: 'event queue is full',
    });
    expect((await broker.stats()).provider_stats.total_events).toBe(3);
    release();
    await eventually(async () => (await broker.stats()).provider_stats.completed_events === 3 || undefined);
    await broker.publish({ type: CREATE });
  });

  it('a batch that does not fit is refused whole', async () => {
    await start({ bufferSize: 2 });
    await expect(broker.publishBatch([1, 2, 3].map(() => ({ type: CREATE })))).rejects.toMatchObject({
      code: 'queue_full',
    });
    expect((await broker.stats()).provider_stats.total_events).toBe(0);
  });

  it('what is published before the start or after the stop is refused with worker_pool_stopped', async () => {
    broker = new EventBroker();
    for (const refuse of [() => broker.publish({ type: CREATE }), () => broker.publishSync({ type: CREATE })])
      await expect(refuse()).rejects.toMatchObject({ code: 'worker_pool_stopped', message: 'worker pool is stopped' });
    await broker.start();
    await broker.stop();
    await expect(broker.publish({ type: CREATE })).rejects.toMatchObject({ code: 'worker_pool_stopped' });
  });

  it('a provider that fails takes no place in the queue', async () => {
    const provider = new MemoryProvider();
    await start({ provider, bufferSize: 1 });
    broker.subscribe('*', () => {});
    const publish = jest.spyOn(provider, 'publish').mockImplementationOnce(() => {
      throw new Error('away');
    });
    await expect(broker.publish({ type: CREATE })).rejects.toThrow('away');
    await broker.publish({ type: CREATE });
    expect(publish).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['workerCount', { workerCount: 0 }],
    ['bufferSize', { bufferSize: 0.5 }],
    ['maxRetries', { retryPolicy: { maxRetries: -1 } }],
    ['backoffFactor', { retryPolicy: { backoffFactor: NaN } }],
    ...[0, NaN, 2 ** 31].flatMap((ms): [string, EventBrokerOptions][] => [
      ['handlerTimeoutMs', { handlerTimeoutMs: ms }],
      ['claimLeaseMs', { claimLeaseMs: ms }],
      ['initialDelayMs', { retryPolicy: { initialDelayMs: ms } }],
      ['maxDelayMs', { retryPolicy: { maxDelayMs: ms } }],
    ]),
  ] as [string, EventBrokerOptions][])('%s is refused in %o', (name, options) => {
    const refusal = { code: 'invalid_configuration', message: expect.stringContaining(name) as string };
    expect(() => new EventBroker(options)).toThrow(expect.objectContaining(refusal));
  });

  it('the longest times are taken, and the default lease is no longer than a timer can wait', async () => {
    const longest = 2 ** 31 - 1;
    const retryPolicy = { initialDelayMs: longest, maxDelayMs: longest };
    await start({ handlerTimeoutMs: longest, retryPolicy });
    expect(broker['settings']).toMatchObject({ handlerTimeoutMs: longest, claimLeaseMs: longest });
  });
});

describe('retries and dead letters', () => {
  it('only the handlers that failed are called again, and what succeeds in the end is completed', async () => {
    await start();
    const calls: string[] = [];
    broker.subscribe('*', () => void calls.push('steady'));
    broker.subscribe('*', (_, { attempt }) => {
      calls.push(`attempt ${attempt}`);
      if (attempt < 3) throw new Error('not yet');
    });
    const { id } = await broker.publish({ type: CREATE });
    const event = await eventually(async () => {
      const found = await broker.provider.get(id);
      return found?.status === 'completed' ? found : undefined;
    });
    expect(calls).toEqual(['steady', 'attempt 1', 'attempt 2', 'attempt 3']);
    expect(event).toMatchObject({ retry_count: 2, error: undefined });
    expect(event.processed_at!.getTime()).toBeLessThanOrEqual(event.completed_at!.getTime());
  });

  it('an event that waits for another attempt holds no worker', async () => {
    await start({ workerCount: 1, retryPolicy: { maxRetries: 1, initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 } });
    const handled: unknown[] = [];
    broker.subscribe('*', ({ payload }, { attempt }) => {
      if (payload === 'bad' && attempt === 1) throw new Error('later');
      handled.push(payload);
    });
    await broker.publish({ type: CREATE, payload: 'bad' });
    await broker.publish({ type: CREATE, payload: 'good' });
    await eventually(() => handled.includes('good') || undefined);
    expect((await broker.stats()).queue_size).toBe(1);
    await broker.stop();
    expect(handled).toEqual(['good', 'bad']);
  });

  it('an event whose handler used up its attempts is a dead letter, and can be redriven', async () => {
    const told: (readonly HandlerFailure[])[] = [];
    await start({ onDeadLetter: (_, failures) => void told.push(failures) });
    let isRepaired = false;
    let calls = 0;
    broker.subscribe(CREATE, () => {
      calls += 1;
      if (!isRepaired) throw new Error('broken');
    });
    const { id } = await broker.publish({ type: CREATE });
    await eventually(async () => ((await broker.deadLetters()).length === 1 ? true : undefined));
    expect(calls).toBe(3);
    expect(told).toHaveLength(1);
    isRepaired = true;
    await broker.redrive(id);
    await eventually(async () => ((await broker.provider.get(id))?.status === 'completed' ? true : undefined));
    expect(await broker.deadLetters()).toEqual([]);
    await expect(broker.redrive(id)).rejects.toMatchObject({ code: 'unknown_event' });
  });

  it('a dead letter is redriven only where a handler hears it, and stays one elsewhere', async () => {
    const provider = new MemoryProvider();
    await start({ mode: 'sync', provider });
    const subscription = broker.subscribe(CREATE, () => Promise.reject(new Error('broken')), { group: 'mails' });
    const { id } = await broker.publish({ type: CREATE });
    broker.unsubscribe(subscription);
    await expect(broker.redrive(id)).rejects.toMatchObject({ code: 'no_handler' });
    expect(await broker.deadLetters()).toMatchObject([{ id }]);
    expect(await provider.claim({ id, group: 'mails', claimant: 'two' }, 1_000)).toBe(false);
    // the refusal took no place and no claim
    broker.subscribe(CREATE, () => {}, { group: 'mails' });
    await broker.redrive(id);
    await eventually(async () => (await provider.get(id))?.status === 'completed' || undefined);
  });

  it('a handler that does not return in time has failed, and its signal says so', async () => {
    await start({ mode: 'sync', handlerTimeoutMs: 20, retryPolicy: { maxRetries: 0 } });
    let signal: AbortSignal | undefined;
    broker.subscribe('*', (_, context) => ((signal = context.signal), new Promise(() => {})));
    const { status, failures } = await broker.publish({ type: CREATE });
    expect(status).toBe('failed');
    expect(String(failures[0]!.error)).toContain('no result within 20 ms');
    expect(signal!.aborted).toBe(true);
  });

  it('handlerTimeoutMs: Infinity is no limit, and a claim has the default lease', async () => {
    await start({ mode: 'sync', handlerTimeoutMs: Infinity, retryPolicy: { maxRetries: 0 } });
    broker.subscribe('*', () => new Promise((resolve) => setTimeout(resolve, 20)));
    expect(await broker.publish({ type: CREATE })).toMatchObject({ status: 'completed', failures: [] });
    expect(broker['settings'].claimLeaseMs).toBe(65_000);
  });

  it('a dead letter that is redriven twice is handled once, and stays one until then', async () => {
    await start({ retryPolicy: { maxRetries: 0 } });
    let isBroken = true;
    const { entered, release, handler } = gate();
    broker.subscribe(CREATE, (event) => {
      if (isBroken) throw new Error('broken');
      return handler(event);
    });
    const { id } = await broker.publish({ type: CREATE });
    const isDead = async () => (await broker.deadLetters()).length === 1 || undefined;
    await eventually(isDead);
    isBroken = false;
    for (let time = 0; time < 2; time += 1)
      expect(await broker.redrive(id)).toEqual({ id, status: 'pending', failures: [] });
    await eventually(() => entered.length === 1 || undefined);
    expect(await isDead()).toBe(true);
    release();
    await eventually(async () => (await broker.provider.get(id))?.status === 'completed' || undefined);
    await eventually(async () => (await broker.stats()).active_workers === 0 || undefined);
    expect(entered).toHaveLength(1);
    expect((await broker.stats()).queue_size).toBe(0);
  });

  it('a dead letter whose redrive failed, or could not begin, can be redriven again, also by onDeadLetter', async () => {
    const provider = new MemoryProvider();
    const troubles: string[] = [];
    await start({
      provider,
      retryPolicy: { maxRetries: 0 },
      onDeadLetter: ({ id }) => broker.redrive(id),
      onTrouble: (error) => troubles.push(String(error)),
    });
    let calls = 0;
    broker.subscribe(CREATE, () => {
      calls += 1;
      if (calls < 3) throw new Error('broken');
    });
    jest.spyOn(provider, 'reopenClaims').mockRejectedValueOnce(new Error('away'));
    const { id } = await broker.publish({ type: CREATE });
    await eventually(() => troubles.length > 0 || undefined);
    expect(troubles).toEqual(['Error: away']);
    await broker.redrive(id);
    await eventually(async () => (await provider.get(id))?.status === 'completed' || undefined);
    expect(calls).toBe(3);
  });

  it.each([
    ['an object without a prototype', Object.create(null), 'mails: an error without a text'],
    [
      'an error whose message is none',
      Object.assign(new Error(), { message: Object.create(null) }),
      'mails: an error without a text',
    ],
    ['an error whose message is a number', Object.assign(new Error(), { message: 7 }), 'mails: 7'],
    ['nothing', undefined, 'mails: undefined'],
    ['text that PostgreSQL does not store', new Error(`\0${'a'.repeat(998)}😀`), `mails: ${'a'.repeat(998)}\ufffd`],
  ])('a handler that throws %s makes a dead letter', async (_, thrown: unknown, error) => {
    await start({ mode: 'sync', retryPolicy: { maxRetries: 1, initialDelayMs: 1 } });
    broker.subscribe(
      CREATE,
      () => {
        throw thrown;
      },
      { name: 'mails' },
    );
    const { id, status } = await broker.publish({ type: CREATE });
    expect(status).toBe('failed');
    expect(await broker.deadLetters()).toMatchObject([{ id, error }]);
    const asynchronous = await broker.publishAsync({ type: CREATE });
    await eventually(async () => (await broker.provider.get(asynchronous.id))?.status === 'failed' || undefined);
  });

  it('the groups give an event up in one step with its failure, so that any instance may redrive it then', async () => {
    const changes: StatusChange[] = [];
    class Watched extends MemoryProvider {
      override updateStatus(given: readonly StatusChange[]) {
        changes.push(...given);
        return super.updateStatus(given);
      }
    }
    await start({ mode: 'sync', provider: new Watched() });
    broker.subscribe(CREATE, () => Promise.reject(new Error('no mail server')), { group: 'mails' });
    broker.subscribe(CREATE, () => undefined, { group: 'audit' });
    const { id } = await broker.publish({ type: CREATE });
    expect(changes.map(({ status, given_up }) => [status, given_up])).toEqual([
      ['processing', undefined],
      ...[1, 2].map(() => ['pending', undefined]),
      ['failed', { claimant: 'one', groups: ['mails'] }],
    ]);
    const claimed = (group: string) => broker.provider.claim({ id, group, claimant: 'two' }, 1_000);
    await broker.provider.reopenClaims(id);
    expect([await claimed('mails'), await claimed('audit')]).toEqual([true, false]);
  });
});

it('a payload of an older version is brought up to date for handlers and replay; what is stored stays', async () => {
  await start({
    mode: 'sync',
    upcasters: {
      [CREATE]: {
        1: ({ name }: { name: string }) => ({ first: name.split(' ')[0], last: name.split(' ')[1] }),
        2: (names: object) => ({ ...names, locale: 'en' }),
      },
    },
  });
  const heard: BrokerEvent[] = [];
  broker.subscribe(CREATE, (event) => void heard.push(event));
  const { id } = await broker.publish({ type: CREATE, payload: { name: 'Ada Lovelace' } });
  await broker.publish({ type: CREATE, schema_version: 3, payload: { first: 'Alan' } });
  await broker.replay({}, (event) => void heard.push(event));
  expect(heard.map(({ payload, schema_version }) => ({ payload, schema_version }))).toEqual(
    [0, 1].flatMap(() => [
      { payload: { first: 'Ada', last: 'Lovelace', locale: 'en' }, schema_version: 3 },
      { payload: { first: 'Alan' }, schema_version: 3 },
    ]),
  );
  expect(await broker.provider.get(id)).toMatchObject({ payload: { name: 'Ada Lovelace' }, schema_version: 1 });
});

describe('after unsubscribe a handler is not called', () => {
  const statusOf = async (id: string) => (await broker.provider.get(id))?.status;

  it('for an event that waits for a worker, which is completed without it', async () => {
    await start({ workerCount: 1 });
    const { entered, release, handler } = gate();
    const heard: unknown[] = [];
    broker.subscribe('*', handler);
    const subscription = broker.subscribe('public.mails.*', ({ id }) => void heard.push(id));
    await broker.publish({ type: CREATE });
    const { id } = await broker.publish({ type: 'public.mails.create' });
    await eventually(() => entered.length === 1 || undefined);
    broker.unsubscribe(subscription);
    release();
    await eventually(async () => (await statusOf(id)) === 'completed' || undefined);
    expect(entered).toHaveLength(2);
    expect(heard).toEqual([]);
  });

  it('for another attempt; a group leaves its claim to other instances', async () => {
    await start({ claimLeaseMs: 1, retryPolicy: { maxRetries: 1, initialDelayMs: 50, maxDelayMs: 50 } });
    const ids: string[] = [];
    let calls = 0;
    const fails = () => {
      calls += 1;
      for (const id of ids.splice(0)) broker.unsubscribe(id);
      throw new Error('no mail server');
    };
    ids.push(broker.subscribe(CREATE, fails, { group: 'mails' }));
    const { id } = await broker.publish({ type: CREATE });
    await eventually(async () => (await statusOf(id)) === 'completed' || undefined);
    expect(calls).toBe(1);
    await eventually(async () => (await broker.provider.abandoned(['mails'])).length === 1 || undefined);
    // the instance itself may take it too, should it subscribe again
    broker.subscribe(CREATE, ({ id }) => void ids.push(id), { group: 'mails' });
    await eventually(() => ids.length === 1 || undefined);
    expect(ids).toEqual([id]);
  });

  it('when that happened while its group claimed the event, and the claim stays too', async () => {
    class Claiming extends MemoryProvider {
      override async claim(...given: Parameters<MemoryProvider['claim']>) {
        const isMine = await super.claim(...given);
        if (given[0].group === 'mails') broker.unsubscribe(mails);
        return isMine;
      }
    }
    await start({ mode: 'sync', provider: new Claiming(), claimLeaseMs: 1 });
    const heard: string[] = [];
    const mails = broker.subscribe(CREATE, () => void heard.push('mails'), { group: 'mails' });
    broker.subscribe(CREATE, () => void heard.push('audit'), { group: 'audit' });
    expect(await broker.publish({ type: CREATE })).toMatchObject({ status: 'completed' });
    expect(heard).toEqual(['audit']);
    await eventually(async () => (await broker.provider.abandoned(['mails'])).length === 1 || undefined);
    expect(await broker.provider.abandoned(['audit'])).toEqual([]);
  });
});

describe('stored as completed, for want of a handler: one that subscribed meanwhile handles it, and it is completed', () => {
  const subscribing = (handled: string[]) =>
    class extends MemoryProvider {
      override publish(events: readonly BrokerEvent[], origin?: string) {
        broker.subscribe(CREATE, ({ id }) => void handled.push(id));
        super.publish(events, origin);
      }
      override publishWithin = async (_: unknown, events: readonly BrokerEvent[]) => this.publish(events);
    };

  it('after its transaction', async () => {
    const handled: string[] = [];
    await start({ provider: new (subscribing(handled))() });
    const [id] = await broker.publishWithin({ query: () => Promise.resolve() }, [{ type: CREATE }]);
    await eventually(async () => (await broker.stats()).total_processed === 1 || undefined);
    expect(handled).toEqual([id]);
    expect(await broker.provider.get(id!)).toMatchObject({ status: 'completed' });
  });

  it('in its turn', async () => {
    const handled: string[] = [];
    await start({ mode: 'sync', provider: new (subscribing(handled))() });
    const { id } = await broker.publish({ type: CREATE });
    expect(handled).toEqual([id]);
    expect(await broker.provider.get(id)).toMatchObject({ status: 'completed' });
  });
});

it('after unsubscribe a handler hears nothing, and an event without a handler is stored as completed', async () => {
  await start();
  const heard: string[] = [];
  const subscription = broker.subscribe('*', ({ id }) => void heard.push(id));
  expect(broker.unsubscribe(subscription)).toBe(true);
  expect(broker.unsubscribe(subscription)).toBe(false);
  const { id, status } = await broker.publish({ type: CREATE });
  expect(status).toBe('completed');
  expect(heard).toEqual([]);
  expect(await broker.provider.get(id)).toMatchObject({ status: 'completed', instance_id: 'one' });
});
