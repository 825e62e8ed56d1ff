import type { EventBrokerOptions } from './broker-options';
import type { BrokerEvent } from './event';
import { EventBroker } from './event-broker';
import { MemoryProvider } from './providers/memory-provider';
import { anEvent, eventually, gate } from './testing/broker-events';

const CREATE = 'public.users.create';

let broker: EventBroker;
const start = async (options: EventBrokerOptions = {}) => {
  broker = new EventBroker({ instanceId: 'one', ...options });
  await broker.start();
};
afterEach(() => broker.stop(1_000));

it('stop handles what waits, and resolves when that is done', async () => {
  await start({ workerCount: 1 });
  const handled: unknown[] = [];
  broker.subscribe('*', async ({ payload }) => {
    await new Promise((resolve) => setImmediate(resolve));
    handled.push(payload);
  });
  await broker.publishBatch([1, 2, 3, 4].map((payload) => ({ type: CREATE, payload })));
  expect(await broker.stop()).toEqual({ unfinished: [] });
  expect(handled).toEqual([1, 2, 3, 4]);
  expect(broker.isRunning).toBe(false);
});

it('stop without a limit waits for the handlers', async () => {
  await start({ workerCount: 1 });
  const { entered, release, handler } = gate();
  broker.subscribe('*', handler);
  await broker.publish({ type: CREATE });
  await eventually(() => entered.length === 1 || undefined);
  const stopped = broker.stop(Infinity);
  await new Promise((resolve) => setTimeout(resolve, 20));
  release();
  expect(await stopped).toEqual({ unfinished: [] });
});

it('what is unfinished at the timeout is named and pending again, and running handlers are told', async () => {
  const provider = new MemoryProvider();
  const deadLetters: unknown[] = [];
  const onDeadLetter = (event: BrokerEvent) => deadLetters.push(event);
  await start({ provider, workerCount: 1, retryPolicy: { maxRetries: 0 }, onDeadLetter });
  let signal: AbortSignal | undefined;
  broker.subscribe('*', (_, context) => ((signal = context.signal), new Promise(() => {})));
  const results = await broker.publishBatch([{ type: CREATE }, { type: CREATE }]);
  expect(await broker.stop(20)).toEqual({ unfinished: results.map(({ id }) => id) });
  expect(signal!.aborted).toBe(true);
  for (const { id } of results) expect(await provider.get(id)).toMatchObject({ status: 'pending', retry_count: 0 });
  expect(deadLetters).toEqual([]);
});

it.each(['sync', 'async'] as const)(
  '%s: what fails while the broker stops is no dead letter: it is pending, and of a group the claim stays',
  async (mode) => {
    const provider = new MemoryProvider();
    await start({ mode, provider, claimLeaseMs: 1 });
    let fail = () => {};
    const failing = new Promise<void>((_, reject) => (fail = () => reject(new Error('the database is closed'))));
    let calls = 0;
    const handler = () => ((calls += 1), failing);
    broker.subscribe('*', handler, { name: 'mails', group: 'mails' });
    const published = broker.publish({ type: CREATE });
    await eventually(() => calls === 1 || undefined);
    const stopped = broker.stop();
    fail();
    const { id } = await published;
    expect(await stopped).toEqual({ unfinished: [id] });
    expect(calls).toBe(1);
    expect(await provider.get(id)).toMatchObject({
      status: 'pending',
      retry_count: 0,
      error: 'mails: the database is closed',
    });
    await eventually(async () => (await provider.abandoned(['mails'])).length > 0 || undefined);
  },
);

it.each(['sync', 'async'] as const)(
  '%s: what a handler publishes while the broker stops is stored, and taken up when the instance starts next',
  async (mode) => {
    const provider = new MemoryProvider();
    await start({ mode, provider, closeProvider: false, workerCount: 1 });
    const { entered, release, handler } = gate();
    const subscribe = (heard: string[]) =>
      broker.subscribe('public.mails.*', ({ type }) => void heard.push(type), { name: 'mails' });
    const before: string[] = [];
    subscribe(before);
    const publish = () =>
      Promise.all([
        broker.publish({ type: 'public.mails.create' }),
        broker.publishBatch([{ type: 'public.mails.update' }]),
        broker.publish({ type: 'public.audit.create' }), // without a handler
      ]);
    broker.subscribe(CREATE, (event) => handler(event).then(publish));
    const published = broker.publish({ type: CREATE });
    await eventually(() => entered.length === 1 || undefined);
    const stopped = broker.stop();
    release();
    const { id } = await published;
    const { unfinished } = await stopped;
    expect(await provider.get(id)).toMatchObject({ status: 'completed' });
    const left = await provider.list({ status: 'pending' });
    expect(left.map(({ type }) => type)).toEqual(['public.mails.create', 'public.mails.update']);
    expect(unfinished).toEqual(left.map((event) => event.id));
    expect(before).toEqual([]);
    await expect(broker.publish({ type: CREATE })).rejects.toMatchObject({ code: 'worker_pool_stopped' });

    // what was created in the millisecond of the start is not taken up: it may be news
    await eventually(() => Date.now() > left.at(-1)!.created_at.getTime() || undefined);
    broker = new EventBroker({ provider, instanceId: 'one' });
    const after: string[] = [];
    subscribe(after);
    await broker.start();
    await eventually(() => after.length === 2 || undefined);
    expect(after).toEqual(['public.mails.create', 'public.mails.update']);
  },
);

describe('what another instance published, and this one does not handle before it has stopped', () => {
  let provider: MemoryProvider;
  let publisher: EventBroker;
  beforeEach(async () => {
    provider = new MemoryProvider();
    publisher = new EventBroker({ provider, instanceId: 'publisher', closeProvider: false });
    await publisher.start();
  });
  afterEach(async () => {
    await publisher.stop();
    await provider.close();
  });
  const deadLetters = async () => (await publisher.deadLetters()).map(({ id, error }) => [id, error]);

  it('is a dead letter when its handler failed, and can be redriven', async () => {
    const told: BrokerEvent[] = [];
    await start({ provider, closeProvider: false, onDeadLetter: (event) => told.push(event) });
    let fail = () => {};
    const failing = new Promise<void>((_, reject) => (fail = () => reject(new Error('the database is closed'))));
    let calls = 0;
    const handler = () => ((calls += 1), failing);
    broker.subscribe('*', handler, { name: 'mails' });
    broker.subscribe('*', handler, { name: 'audit', group: 'audit' });
    const { id } = await publisher.publish({ type: CREATE });
    await eventually(() => calls === 2 || undefined);
    const stopped = broker.stop();
    fail();
    expect(await stopped).toEqual({ unfinished: [id] });
    // the group is not named: its claim is left to another instance
    expect(await deadLetters()).toEqual([[id, 'mails: the database is closed']]);
    expect(told).toMatchObject([{ id, status: 'failed' }]);
    const handled: string[] = [];
    await start({ provider });
    broker.subscribe('*', (event) => void handled.push(event.id));
    await broker.redrive(id);
    await eventually(async () => (await provider.get(id))?.status === 'completed' || undefined);
    expect(handled).toEqual([id]);
  });

  it('is a dead letter when it was cut or no worker had begun it, unless it is left to a group', async () => {
    await start({ provider, closeProvider: false, workerCount: 1 });
    broker.subscribe('public.users.*', () => new Promise(() => {}), { name: 'mails' });
    broker.subscribe('public.posts.*', () => {}, { group: 'posts' });
    const drafts = [CREATE, CREATE, 'public.posts.create'].map((type) => ({ type }));
    const ids = (await publisher.publishBatch(drafts)).map(({ id }) => id);
    await eventually(async () => (await broker.stats()).queue_size === 2 || undefined);
    expect(await broker.stop(20)).toEqual({ unfinished: ids });
    expect(await deadLetters()).toEqual(ids.slice(0, 2).map((id) => [id, 'mails: the broker stops']));
    const handled: string[] = [];
    await start({ provider, claimLeaseMs: 400 });
    broker.subscribe('public.posts.*', ({ id }) => void handled.push(id), { group: 'posts' });
    await eventually(() => handled.length > 0 || undefined);
    expect(handled).toEqual(ids.slice(2));
  });
});

describe('sync: after the stop no handler is called', () => {
  let calls: unknown[];
  beforeEach(async () => {
    calls = [];
    await start({ mode: 'sync', retryPolicy: { initialDelayMs: 1 } });
    broker.subscribe(CREATE, ({ payload }) => (calls.push(payload), new Promise(() => {})));
  });

  it('a turn that has not begun is refused, and nothing of it is stored', async () => {
    const published = [1, 2, 3].map((payload) => broker.publish({ type: CREATE, payload }));
    await eventually(() => calls.length === 1 || undefined);
    await broker.stop(20);
    const results = await Promise.allSettled(published);
    expect(results).toMatchObject([
      { value: { status: 'pending' } },
      ...[2, 3].map(() => ({ reason: { code: 'worker_pool_stopped' } })),
    ]);
    expect(calls).toEqual([1]);
    expect((await broker.stats()).provider_stats).toMatchObject({ total_events: 1, pending_events: 1 });
  });

  it('the rest of a batch is pending', async () => {
    const published = broker.publishBatch([1, 2, 3].map((payload) => ({ type: CREATE, payload })));
    await eventually(() => calls.length === 1 || undefined);
    const { unfinished } = await broker.stop(20);
    const results = await published;
    expect(results.map(({ status }) => status)).toEqual(['pending', 'pending', 'pending']);
    expect(unfinished).toEqual(results.map(({ id }) => id));
    expect(calls).toEqual([1]);
    expect((await broker.stats()).provider_stats.pending_events).toBe(3);
  });

  it('and a replay ends', async () => {
    await broker.provider.store([anEvent({ type: CREATE, payload: 1 }), anEvent({ type: CREATE, payload: 2 })]);
    const replayed = broker.replay({}).catch((error: unknown) => error);
    await eventually(() => calls.length === 1 || undefined);
    await broker.stop(20);
    expect(await replayed).toMatchObject({ code: 'worker_pool_stopped' });
    await expect(broker.replay({})).rejects.toMatchObject({ code: 'worker_pool_stopped' });
    expect(calls).toEqual([1]);
  });
});

it.each(['updateStatus', 'close'] as const)(
  'stop ends although %s of the provider is never answered',
  async (method) => {
    const provider = new MemoryProvider();
    const troubles: unknown[] = [];
    const onTrouble = (error: unknown) => troubles.push(String(error));
    await start({ provider, workerCount: 1, onTrouble });
    const call = jest.spyOn(provider, method).mockImplementation(() => new Promise(() => {}));
    broker.subscribe('*', () => new Promise(() => {}));
    const results = await broker.publishBatch([1, 2, 3].map((payload) => ({ type: CREATE, payload })));
    expect(await broker.stop(20)).toEqual({ unfinished: results.map(({ id }) => id) });
    const what = method === 'close' ? 'close' : 'record what is unfinished';
    expect(troubles).toEqual([`Error: The provider did not ${what} within 1000 ms.`]);
    call.mockRestore();
    await provider.close();
  },
);

it('what no worker had begun is recorded in one step', async () => {
  const provider = new MemoryProvider();
  await start({ provider, workerCount: 1 });
  broker.subscribe('*', () => new Promise(() => {}));
  const results = await broker.publishBatch([1, 2, 3].map((payload) => ({ type: CREATE, payload })));
  const updateStatus = jest.spyOn(provider, 'updateStatus');
  await broker.stop(20);
  const recorded = updateStatus.mock.calls.map(([changes]) => changes.map(({ id, status }) => [id, status]));
  const [begun, ...left] = results.map(({ id }) => [id, 'pending']);
  expect(recorded).toHaveLength(2);
  expect(recorded).toEqual(expect.arrayContaining([[begun], left]));
});

it('a transaction that publishes commits while the broker stops, and after that', async () => {
  class InDatabase extends MemoryProvider {
    override publishWithin = async (_: unknown, events: readonly BrokerEvent[]) => this.publish(events);
  }
  await start({ provider: new InDatabase() });
  const { entered, release, handler } = gate();
  broker.subscribe(CREATE, handler);
  await broker.publish({ type: CREATE });
  await eventually(() => entered.length === 1 || undefined);
  const client = { query: () => Promise.resolve() };
  const stopped = broker.stop();
  const meanwhile = await broker.publishWithin(client, [{ type: CREATE }]);
  release();
  await stopped;
  const later = await broker.publishWithin(client, [{ type: CREATE }]);
  for (const id of [...meanwhile, ...later]) expect(await broker.provider.get(id)).toMatchObject({ status: 'pending' });
  broker = new EventBroker({ provider: new InDatabase() });
  await expect(broker.publishWithin(client, [{ type: CREATE }])).rejects.toMatchObject({
    code: 'worker_pool_stopped',
  });
});

it.each(['of another instance', 'that it had left unfinished'])(
  'stop keeps its time while handlers hang and events %s wait for room in the queue',
  async (which) => {
    const provider = new MemoryProvider();
    const isOwn = which !== 'of another instance';
    const events = [1, 2, 3].map((payload) =>
      anEvent({ payload, instance_id: isOwn ? 'one' : 'two', created_at: new Date(Date.now() - 1_000) }),
    );
    if (isOwn) await provider.publish(events);
    broker = new EventBroker({ provider, instanceId: 'one', bufferSize: 1, workerCount: 1, handlerTimeoutMs: 3_000 });
    const begun: string[] = [];
    broker.subscribe('*', ({ id }) => (begun.push(id), new Promise(() => {})));
    await broker.start();
    if (!isOwn) await provider.publish(events);
    await eventually(async () => (begun.length === 1 && (await broker.stats()).queue_size === 1) || undefined);
    const startedAt = performance.now();
    const { unfinished } = await broker.stop(20);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(begun).toEqual([events[0]!.id]);
    expect(unfinished).toEqual([events[0]!.id, events[1]!.id]);
    // what was not taken is not lost: an instance that starts again takes up what is its own
    expect(await provider.get(events[2]!.id)).toMatchObject({ status: 'pending' });
  },
);
