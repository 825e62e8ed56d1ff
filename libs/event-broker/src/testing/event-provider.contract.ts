import { randomUUID } from 'node:crypto';
import type { EventBrokerOptions } from '../broker-options';
import { EventBroker } from '../event-broker';
import type { BrokerEvent, EventStatus } from '../event';
import type { EventProvider, StreamRequest } from '../event-provider';
import { anEvent, eventually } from './broker-events';

export interface ProviderHarness {
  /** A provider over the same events as every other one of this harness, opened. */
  open(): Promise<EventProvider>;
  /** Removes the events. */
  drop(): Promise<void>;
  /** Whether `open` gives the same object each time: its events are in this process. */
  isShared: boolean;
}

const LONG_MS = 60_000;
/** Fails at once, and takes claims over soon. */
const QUICK = { retryPolicy: { maxRetries: 0, maxDelayMs: 1 }, handlerTimeoutMs: 200, claimLeaseMs: 400 };

/** What every provider promises. */
export function describeEventProvider(name: string, prepare: () => Promise<ProviderHarness>): void {
  describe(`${name}: the contract of a provider`, () => {
    let harness: ProviderHarness;
    const opened = new Set<EventProvider>();
    const running: EventBroker[] = [];
    const ends = new AbortController();
    const open = async () => {
      const provider = await harness.open();
      opened.add(provider);
      return provider;
    };
    const start = async (instanceId: string, options: EventBrokerOptions = {}) => {
      const provider = await open();
      const broker = new EventBroker({ provider, instanceId, closeProvider: !harness.isShared, ...options });
      running.push(broker);
      await broker.start();
      return broker;
    };
    /** A schema of its own for each test: they share a provider's events. */
    let schema: string;
    const event = (overrides = {}): BrokerEvent => anEvent({ type: `${schema}.users.create`, ...overrides });
    const collect = async (provider: EventProvider, request: Partial<StreamRequest> = {}) => {
      const heard: BrokerEvent[] = [];
      const stop = new AbortController();
      const signal = AbortSignal.any([stop.signal, ends.signal]);
      const stream = await provider.stream({ patterns: [`${schema}.*.*`], signal, ...request });
      const ended = (async () => {
        for await (const one of stream) heard.push(one);
      })();
      return { heard, stop, ended };
    };

    beforeAll(async () => (harness = await prepare()));
    beforeEach(() => (schema = `s${randomUUID().slice(0, 8)}`));
    afterEach(async () => {
      for (const broker of running.splice(0)) await broker.stop();
    });
    afterAll(async () => {
      ends.abort();
      for (const provider of opened) await provider.close();
      await harness?.drop();
    });

    it('what was stored is read back whole, with every field', async () => {
      const provider = await open();
      const stored = event({
        metadata: { deep: { list: [1, 'two', null] } },
        payload: { text: 'é😀 \\u0000', n: 1.5 },
      });
      await provider.store([stored]);
      expect(await provider.get(stored.id)).toEqual(stored);
      expect(await provider.get(randomUUID())).toBeUndefined();
    });

    it('a repeated id is no second event', async () => {
      const provider = await open();
      const { heard } = await collect(provider);
      const first = event({ payload: 1 });
      const marker = event();
      await provider.publish([first]);
      await provider.publish([{ ...first, payload: 2 }, marker]);
      await eventually(() => heard.find(({ id }) => id === marker.id));
      expect(heard.map(({ id }) => id)).toEqual([first.id, marker.id]);
      expect((await provider.get(first.id))?.payload).toBe(1);
    });

    it('list has the order of publication, and its pages neither skip nor repeat', async () => {
      const provider = await open();
      const events = Array.from({ length: 25 }, () => event());
      for (const some of [events.slice(0, 1), events.slice(1, 12), events.slice(12)]) await provider.publish(some);
      const ids = events.map(({ id }) => id);
      const byOffset: string[] = [];
      for (let offset = 0; offset < 30; offset += 10)
        byOffset.push(...(await provider.list({ schema, offset, limit: 10 })).map(({ id }) => id));
      expect(byOffset).toEqual(ids);
      const afterIds: string[] = [];
      for (let after_id: string | undefined; ;) {
        const page = await provider.list({ schema, after_id, limit: 7 });
        if (page.length === 0) break;
        afterIds.push(...page.map(({ id }) => id));
        after_id = page.at(-1)!.id;
      }
      expect(afterIds).toEqual(ids);
      await expect(provider.list({ after_id: randomUUID() })).rejects.toMatchObject({ code: 'unknown_event' });
    });

    it('list filters by every field that a filter has', async () => {
      const provider = await open();
      const early = new Date(Date.now() - 60_000);
      const one = event({ created_at: early });
      const other = event({
        type: `${schema}.posts.delete`,
        source: 'websocket',
        user_id: 'u2',
        instance_id: 'instance-2',
      });
      await provider.store([one, other]);
      await provider.updateStatus([{ id: other.id, status: 'failed', error: 'why', at: new Date() }]);
      for (const [filter, found] of [
        [{}, [one.id, other.id]],
        [{ source: 'websocket' }, [other.id]],
        [{ status: 'failed' }, [other.id]],
        [{ user_id: 'u2' }, [other.id]],
        [{ entity: 'posts' }, [other.id]],
        [{ operation: 'create' }, [one.id]],
        [{ instance_id: 'instance-2' }, [other.id]],
        [{ pattern: `${schema}.*.create` }, [one.id]],
        [{ start_time: new Date(early.getTime() + 1) }, [other.id]],
        [{ end_time: new Date(early.getTime() + 1) }, [one.id]],
        [{ start_time: early, end_time: early }, []],
      ] as const)
        expect((await provider.list({ schema, ...filter })).map(({ id }) => id)).toEqual(found);
    });

    it('a status has its instant, and what failed leaves that status only when it was redriven and handled', async () => {
      const provider = await open();
      const { id } = event();
      await provider.store([event({ id })]);
      const [begun, ended] = [new Date(Date.now() + 10), new Date(Date.now() + 20)];
      await provider.updateStatus([{ id, status: 'processing', at: begun }]);
      expect(await provider.get(id)).toMatchObject({
        status: 'processing',
        processed_at: begun,
        completed_at: undefined,
      });
      await provider.updateStatus([{ id, status: 'failed', error: 'no mail server', retry_count: 3, at: ended }]);
      const late = (['pending', 'processing', 'completed'] as const).map((status) => ({ id, status, at: new Date() }));
      await provider.updateStatus(late);
      for (const change of late) await provider.updateStatus([change]);
      await provider.updateStatus([{ id: randomUUID(), status: 'completed', at: new Date() }]);
      expect(await provider.get(id)).toMatchObject({
        status: 'failed',
        error: 'no mail server',
        retry_count: 3,
        processed_at: begun,
        completed_at: ended,
      });
      const handled = new Date(Date.now() + 30);
      await provider.completeRedriven((await provider.get(id))!, 0, handled);
      const completed = { status: 'completed', error: undefined, retry_count: 0, completed_at: handled };
      expect(await provider.get(id)).toMatchObject(completed);
    });

    it('a dead letter that has failed once more since it was redriven stays one', async () => {
      const provider = await open();
      const { id } = event();
      await provider.store([event({ id })]);
      const read = async () => (await provider.get(id))!;
      const fail = (error: string, at: number) =>
        provider.updateStatus([{ id, status: 'failed', error, at: new Date(at) }]);
      const before = await read();
      await fail('no mail server', 1_000);
      const first = await read();
      await fail('no database', 2_000);
      for (const letter of [before, first]) await provider.completeRedriven(letter, 0, new Date());
      expect(await read()).toMatchObject({ status: 'failed', error: 'no database' });
      await provider.completeRedriven(await read(), 1, new Date(3_000));
      const completed = { status: 'completed', retry_count: 1, completed_at: new Date(3_000) };
      expect(await read()).toMatchObject(completed);
      await provider.completeRedriven(first, 0, new Date());
      await provider.completeRedriven(event(), 0, new Date());
      expect(await read()).toMatchObject(completed);
      expect(await provider.list({ schema, status: 'failed' })).toEqual([]);
    });

    it('of changes that are written in one step, those count that would count one by one', async () => {
      const provider = await open();
      const [done, later, dead] = [event(), event(), event()];
      await provider.store([done, later, dead]);
      const change = (status: EventStatus, { id }: BrokerEvent) => ({ id, status, at: new Date() });
      await provider.updateStatus([change('failed', dead)]);
      await provider.updateStatus([
        ...[change('processing', done), change('pending', done), change('processing', done), change('completed', done)],
        ...[change('processing', later), change('failed', later), change('completed', later)],
        ...[change('processing', dead), change('pending', dead), change('completed', dead)],
      ]);
      const statuses = async () => (await provider.list({ schema })).map(({ status }) => status);
      expect(await statuses()).toEqual(['completed', 'failed', 'failed']);
    });

    it('a deleted event is gone, once', async () => {
      const provider = await open();
      const kept = event();
      const gone = event();
      await provider.publish([gone, kept]);
      expect(await provider.delete(gone.id)).toBe(true);
      expect(await provider.delete(gone.id)).toBe(false);
      expect(await provider.get(gone.id)).toBeUndefined();
      expect((await provider.list({ schema })).map(({ id }) => id)).toEqual([kept.id]);
    });

    it('every stream has every matching event, once and in one order, whichever instance publishes', async () => {
      const [one, two] = [await open(), await open()];
      const streams = await Promise.all([
        collect(one),
        collect(two),
        collect(two, { patterns: [`${schema}.*.delete`, `${schema}.posts.*`] }),
      ]);
      const events = Array.from({ length: 200 }, (_, number) =>
        event({ type: `${schema}.${number % 3 ? 'users' : 'posts'}.${number % 2 ? 'create' : 'delete'}` }),
      );
      await Promise.all(events.map((each, number) => (number % 2 ? one : two).publish([each])));
      const last = event({ type: `${schema}.posts.delete` });
      await one.publish([last]);
      for (const { heard } of streams) await eventually(() => heard.find(({ id }) => id === last.id));
      const [first, second, some] = streams.map(({ heard }) => heard.map(({ id }) => id));
      expect([...first!].sort()).toEqual([...events, last].map(({ id }) => id).sort());
      expect(second).toEqual(first);
      const wanted = new Map([...events, last].map(({ id, type }) => [id, type]));
      expect(some).toEqual(first!.filter((id) => /posts|delete/.test(wanted.get(id)!)));
    });

    it('a stream leaves out its own origin and what is only stored, and hears a pattern that is added later', async () => {
      const provider = await open();
      const patterns = [`${schema}.users.create`];
      const { heard } = await collect(provider, { patterns: () => patterns, withoutOrigin: 'me' });
      await provider.publish([event()], 'me');
      await provider.store([event()]);
      await provider.publish([event({ type: `${schema}.posts.create` })], 'you');
      const mark = event();
      await provider.publish([mark], 'you');
      await eventually(() => heard.at(-1)?.id === mark.id || undefined);
      patterns.push(`${schema}.posts.create`);
      const post = event({ type: `${schema}.posts.create` });
      await provider.publish([post]);
      await eventually(() => heard.at(-1)?.id === post.id || undefined);
      expect(heard.map(({ id }) => id)).toEqual([mark.id, post.id]);
    });

    it('a stream ends when its signal aborts', async () => {
      const provider = await open();
      const { stop, ended } = await collect(provider);
      stop.abort();
      await ended;
    });

    it('an event belongs to the first of a group that claims it', async () => {
      const [one, two] = [await open(), await open()];
      const { id } = event();
      await one.publish([event({ id })]);
      const claim = (of: EventProvider, claimant: string) => of.claim({ id, group: 'mails', claimant }, LONG_MS);
      const claims = await Promise.all([claim(one, 'a'), claim(two, 'b')]);
      expect([...claims].sort()).toEqual([false, true]);
      const winner = claims[0] ? 'a' : 'b';
      expect(await claim(two, winner)).toBe(true);
      expect(await two.claim({ id, group: 'audit', claimant: 'c' }, LONG_MS)).toBe(true);
      expect(await one.abandoned(['mails', 'audit'])).not.toContainEqual(expect.objectContaining({ id }));
    });

    it('a claim that was neither renewed nor settled is abandoned, and belongs to the next that claims it', async () => {
      const provider = await open();
      const { id } = event();
      const group = `mails-${schema}`;
      await provider.publish([event({ id })]);
      await provider.claim({ id, group, claimant: 'dead' }, 1);
      await eventually(async () => (await provider.abandoned([group])).length > 0 || undefined);
      expect(await provider.abandoned([group])).toEqual([{ id, group }]);
      expect(await provider.abandoned(['others'])).toEqual([]);
      const claims = await Promise.all(['b', 'c'].map((claimant) => provider.claim({ id, group, claimant }, LONG_MS)));
      expect(claims.sort()).toEqual([false, true]);
      expect(await provider.abandoned([group])).toEqual([]);
    });

    it('a claim that was settled stays so, until what was given up is redriven', async () => {
      const provider = await open();
      const { id } = event();
      const group = `mails-${schema}`;
      const by = (claimant: string) => ({ id, group, claimant });
      await provider.publish([event({ id })]);
      await provider.claim(by('a'), 1);
      const giveUp = (claimant: string) =>
        provider.updateStatus([{ id, status: 'failed', given_up: { claimant, groups: [group] }, at: new Date() }]);
      await provider.completeClaim(by('b')); // it has none
      await giveUp('b');
      expect(await provider.claim(by('a'), 1)).toBe(true);
      await giveUp('a');
      for (const claimant of ['a', 'b']) expect(await provider.claim(by(claimant), LONG_MS)).toBe(false);
      expect(await provider.abandoned([group])).toEqual([]);
      await provider.reopenClaims(id);
      expect(await provider.claim(by('b'), 1)).toBe(true);
      await provider.completeClaim(by('b'));
      await provider.reopenClaims(id);
      for (const claimant of ['a', 'b']) expect(await provider.claim(by(claimant), LONG_MS)).toBe(false);
    });

    it('stats count the events by status', async () => {
      const provider = await open();
      const before = await provider.stats();
      const [one, two] = [event(), event()];
      await provider.publish([one, two]);
      await provider.updateStatus([{ id: one.id, status: 'completed', at: new Date() }]);
      const after = await provider.stats();
      expect(after.total_events - before.total_events).toBe(2);
      expect(after.pending_events - before.pending_events).toBe(1);
      expect(after.completed_events - before.completed_events).toBe(1);
      expect(after.events_published - before.events_published).toBe(2);
    });

    it('a subscription on another instance hears what this one publishes; of a group one instance does', async () => {
      const [one, two, three] = [await start('one'), await start('two'), await start('three')];
      const all: string[] = [];
      const grouped: string[] = [];
      for (const broker of [one, two, three]) {
        broker.subscribe(`${schema}.*.*`, ({ id }) => void all.push(id));
        broker.subscribe(`${schema}.users.*`, ({ id }) => void grouped.push(id), { group: 'mails' });
      }
      const drafts = Array.from({ length: 20 }, () => ({ type: `${schema}.users.create` }));
      const results = await one.publishBatch(drafts);
      await eventually(() => (all.length === 60 && grouped.length === 20) || undefined);
      expect([...grouped].sort()).toEqual(results.map(({ id }) => id).sort());
      expect(new Set(all).size).toBe(20);
      const statuses = () => one.provider.list({ schema, status: 'completed' });
      await eventually(async () => (await statuses()).length === 20 || undefined);
    });

    it('what an instance of a group had claimed when it was killed, another one handles', async () => {
      const [one, two] = [await start('one'), await start('two', QUICK)];
      const handled: string[] = [];
      const { id } = event();
      // as a process leaves it that claimed the event and did not live to handle it
      const provider = await open();
      await provider.store([event({ id, instance_id: 'one' })]);
      await provider.claim({ id, group: `mails-${schema}`, claimant: 'killed' }, 1);
      two.subscribe(`${schema}.*.*`, (heard) => void handled.push(heard.id), { group: `mails-${schema}` });
      await eventually(() => handled.length > 0 || undefined);
      expect(handled).toEqual([id]);
      await eventually(async () =>
        (await provider.claim({ id, group: `mails-${schema}`, claimant: 'two' }, 1)) ? undefined : true,
      );
      await one.stop();
    });

    it('a dead letter of a group is handled by the instance that redrives it, and once', async () => {
      const [one, two] = [await start('one', QUICK), await start('two', QUICK)];
      const handled: string[] = [];
      const group = `mails-${schema}`;
      one.subscribe(`${schema}.*.*`, () => Promise.reject(new Error('no mail server')), { group });
      const { id } = await one.publish({ type: `${schema}.users.create` });
      const statusOf = async () => (await two.provider.get(id))?.status;
      await eventually(async () => (await statusOf()) === 'failed' || undefined);
      two.subscribe(`${schema}.*.*`, (event) => void handled.push(event.id), { group });
      await two.redrive(id);
      await eventually(async () => (await statusOf()) === 'completed' || undefined);
      expect(handled).toEqual([id]);
    });

    it('what an instance of a group has in hand, it does not handle beside that when the event is redriven', async () => {
      const two = await start('two', { ...QUICK, handlerTimeoutMs: 10_000 });
      const handled: string[] = [];
      const group = `mails-${schema}`;
      const provider = await open();
      const { id } = event();
      await provider.store([event({ id, instance_id: 'one' })]);
      await provider.updateStatus([{ id, status: 'failed', at: new Date() }]);
      await provider.claim({ id, group, claimant: 'killed' }, 1);
      let release = () => {};
      const released = new Promise<void>((resolve) => (release = resolve));
      two.subscribe(`${schema}.*.*`, (heard) => (handled.push(heard.id), released), { group });
      await eventually(() => handled.length > 0 || undefined);
      await two.redrive(id);
      // the redriven one is done at once: the other has the event
      await eventually(async () => (await two.stats()).total_processed === 1 || undefined);
      release();
      await eventually(async () => (await two.stats()).total_processed === 2 || undefined);
      expect(handled).toEqual([id]);
    });

    it('a handler that has used up its attempts on another instance makes a dead letter', async () => {
      const [one, two] = [
        await start('one'),
        await start('two', { retryPolicy: { maxRetries: 1, initialDelayMs: 1 } }),
      ];
      two.subscribe(`${schema}.users.*`, () => Promise.reject(new Error('no mail server')), { name: 'mails' });
      const { id } = await one.publish({ type: `${schema}.users.create` });
      const [dead] = await eventually(async () => {
        const found = await one.deadLetters({ schema });
        return found.length > 0 ? found : undefined;
      });
      expect(dead).toMatchObject({ id, status: 'failed', error: 'mails: no mail server', retry_count: 1 });
    });

    it('a dead letter of another instance stays one while the publisher makes progress, until it is redriven', async () => {
      const [one, two] = [await start('one', { workerCount: 1 }), await start('two', QUICK)];
      let release = () => {};
      const released = new Promise<void>((resolve) => (release = resolve));
      const handled: string[] = [];
      one.subscribe(`${schema}.users.*`, () => released);
      // it returns when what was written before has arrived: a provider may write several changes in one step
      one.subscribe(`${schema}.posts.*`, async ({ id }) => {
        handled.push(id);
        await one.provider.updateStatus([]);
      });
      let isBroken = true;
      two.subscribe(`${schema}.posts.*`, () => {
        if (isBroken) throw new Error('no mail server');
      });
      // one's only worker has the first event in hand, so that it begins the second when that has failed on two
      await one.publish({ type: `${schema}.users.create` });
      const { id } = await one.publish({ type: `${schema}.posts.create` });
      const dead = async () => (await two.deadLetters({ schema })).map((event) => event.id);
      await eventually(async () => (await dead()).includes(id) || undefined);
      release();
      await eventually(async () => (await one.stats()).total_processed === 2 || undefined);
      expect(handled).toEqual([id]);
      expect(await dead()).toEqual([id]);
      isBroken = false;
      await two.redrive(id);
      await eventually(async () => ((await two.provider.get(id))?.status === 'completed' ? true : undefined));
    });

    it('a dead letter of another instance that is redriven stays one when the instance stops before it is handled', async () => {
      const one = await start('one');
      const two = await start('two', { ...QUICK, workerCount: 1, handlerTimeoutMs: 60_000 });
      let isBroken = true;
      let isBusy = false;
      two.subscribe(`${schema}.users.*`, () => ((isBusy = true), new Promise(() => {})));
      two.subscribe(`${schema}.posts.*`, () => {
        if (isBroken) throw new Error('no mail server');
      });
      const { id } = await one.publish({ type: `${schema}.posts.create` });
      const isDead = async () => (await one.deadLetters({ schema })).some((letter) => letter.id === id);
      await eventually(async () => (await isDead()) || undefined);
      await one.publish({ type: `${schema}.users.create` });
      await eventually(() => isBusy || undefined);
      isBroken = false;
      await two.redrive(id);
      expect((await two.stop(20)).unfinished).toContain(id);
      expect(await isDead()).toBe(true);
      const again = await start('two', QUICK);
      const handled: string[] = [];
      again.subscribe(`${schema}.posts.*`, (event) => void handled.push(event.id));
      await again.redrive(id);
      await eventually(async () => (await one.provider.get(id))?.status === 'completed' || undefined);
      expect(handled).toEqual([id]);
    });

    it('what an instance left unfinished it takes up when it starts again', async () => {
      const provider = await open();
      const left = event({ instance_id: `${schema}-restarted`, created_at: new Date(Date.now() - 1_000) });
      await provider.publish([left]);
      await provider.updateStatus([{ id: left.id, status: 'processing', at: new Date() }]);
      const handled: string[] = [];
      const again = new EventBroker({
        provider,
        instanceId: `${schema}-restarted`,
        closeProvider: false,
      });
      again.subscribe(`${schema}.*.*`, ({ id }) => void handled.push(id));
      await again.start();
      await eventually(async () => ((await provider.get(left.id))?.status === 'completed' ? true : undefined));
      expect(handled).toEqual([left.id]);
      await again.stop();
    });

    it('replay gives what is stored after an id or from an instant, in order', async () => {
      const broker = await start('one');
      const results = await broker.publishBatch(
        Array.from({ length: 5 }, (_, payload) => ({ type: `${schema}.users.create`, payload })),
      );
      const heard: unknown[] = [];
      const hear = (one: BrokerEvent) => heard.push(one.payload);
      expect(await broker.replay({ schema, from_id: results[1]!.id }, hear)).toBe(3);
      expect(heard).toEqual([2, 3, 4]);
      expect(await broker.replay({ schema, since: new Date(Date.now() - 60_000) }, hear)).toBe(5);
      expect(await broker.replay({ schema, since: new Date(Date.now() + 60_000) }, hear)).toBe(0);
    });
  });
}
