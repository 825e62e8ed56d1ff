import { randomBytes } from 'node:crypto';
import { eventually } from '@tocsin/contracts/testing';
import { FaultProxy } from '@tocsin/fault-proxy';
import type { StoredRow } from '../kit/ledger';
import type { AppProcess } from '../kit/processes';
import { SseClient } from '../kit/sse-client';
import type { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { DatabaseSnapshot } from './admin-faults';
import type { BuiltCopy } from './built-copy';
import type { Point } from './crashing-ports';
import { Gate } from './gate';
import { SteadyLoad } from './steady-load';
import { brokenPromises, caughtUp, readRows, storedAll, type Run } from './verdict';
import { Watcher } from './watcher';

/** How long to wait for an event that every gateway causes, even on a busy machine. */
const PATIENCE_MS = 30_000;
/** How long a broken gateway gets for an event that it will never cause. An unbroken gateway gets the full time. */
const GIVEN_TO_BROKEN_MS = 4_000;
/** From `catch-up.ts`: how many entries a replay reads at a time while a ring of 16 tells it their size. */
const PAGE_SIZE = 64;

/**
 * One gateway of the given build, and one tenant that only this scenario uses. `close` closes everything that a
 * scenario opened.
 */
export class Arena {
  readonly tenant = `tenant-${randomBytes(4).toString('hex')}`;
  readonly user = `user-of-${this.tenant}`;
  readonly load: SteadyLoad;
  /** How long the tested gateway may take for an event that only an unbroken one causes. */
  readonly givenMs: number;
  private readonly gates: Gate[] = [];
  private readonly closers: (() => Promise<unknown>)[] = [];

  constructor(
    readonly stack: Stack,
    private readonly build: BuiltCopy,
    /** Gateways that are not broken. */
    private readonly whole: BuiltCopy,
  ) {
    this.givenMs = build === whole ? PATIENCE_MS : GIVEN_TO_BROKEN_MS;
    stack.tenantService.assign(this.user, [this.tenant]);
    this.load = new SteadyLoad(stack.amqp, { tenants: [this.tenant], perSecond: 0 }, this.tenant);
  }

  /** Starts the tested gateway. */
  async gateway(environment: Record<string, string> = {}, failpoints = ''): Promise<AppProcess> {
    const gateway = await this.stack.startGateway(
      environment,
      failpoints ? this.build.programWith('gateway', failpoints) : this.build.program('gateway'),
    );
    this.closers.push(() => gateway.stop());
    return gateway;
  }

  /** Starts another gateway beside it, which is not broken. */
  async otherGateway(): Promise<AppProcess> {
    const gateway = await this.stack.startGateway({}, this.whole.program('gateway'));
    this.closers.push(() => gateway.stop());
    return gateway;
  }

  async proxyTo(url: string, framing: 'bytes' | 'resp' = 'bytes'): Promise<FaultProxy> {
    const proxy = await FaultProxy.to(url, { framing });
    this.closers.push(() => proxy.close());
    return proxy;
  }

  /** A gate at which the tested gateway can be held. */
  gate(point: Point): Gate {
    const gate = new Gate(point);
    this.gates.push(gate);
    return gate;
  }

  async watch(...urls: string[]): Promise<Watcher> {
    const watcher = await new Watcher(this.user, [this.tenant], () => urls).start();
    this.closers.push(() => watcher.stop());
    return watcher;
  }

  /** A client that connects and leaves as the scenario says. */
  client(): SseClient {
    const client = new SseClient(this.user, { headers: { Authorization: `Bearer ${tokenFor(this.user)}` } });
    this.closers.push(async () => client.disconnect());
    return client;
  }

  async rows(): Promise<StoredRow[]> {
    return (await readRows(this.stack.database.url)).filter(({ tenant_id }) => tenant_id === this.tenant);
  }

  /** Publishes `count` messages and waits until they are stored. */
  async store(count: number): Promise<StoredRow[]> {
    const before = this.load.published.length;
    await this.load.burst(count);
    await storedAll(this.stack.database.url, this.load.published.slice(before));
    return this.rows();
  }

  onClose(close: () => Promise<unknown>): void {
    this.closers.push(close);
  }

  async close(): Promise<void> {
    // a gateway that is held cannot end
    for (const gate of this.gates) gate.remove();
    for (const close of this.closers.reverse()) await close();
  }
}

/** A client in the form that the verdict needs. */
const judged = (client: SseClient, tenant: string): Run['watchers'][number] => ({
  transcript: () => ({
    client: client.name,
    tenants: [tenant],
    frames: client.frames,
    connectedAtTheEnd: client.current !== undefined,
  }),
  faults: client.faults,
});

/** Resolves when the client has received `count` entries. */
const seen = (client: { entries: readonly unknown[] }, count: number): Promise<void> =>
  eventually(() => expect(client.entries.length).toBeGreaterThanOrEqual(count), PATIENCE_MS);

/** Resolves when the client has received the newest entry, even if it missed earlier ones. */
const seenLast = (client: { entries: readonly { data: string }[] }, rows: readonly StoredRow[]): Promise<void> =>
  eventually(() => expect(client.entries.at(-1)?.data).toContain(`"event_id":"${rows.at(-1)!.event_id}"`), PATIENCE_MS);

/** The scenarios. Each resolves to the promises that were broken: none for an unbroken gateway. */
export const SCENARIOS = {
  async 'a client that was away while entries were stored'(arena: Arena): Promise<string[]> {
    const url = arena.stack.eventsUrl(await arena.gateway({ FEED_RING_EVENTS: '16' }));
    const client = arena.client();
    await client.connect(url);
    await arena.store(3);
    await seen(client, 3);
    client.disconnect();
    // more than are read while its position is judged
    await arena.store(PAGE_SIZE + 3);
    await client.connect(url);
    const rows = await arena.store(2);
    await seenLast(client, rows);
    return brokenPromises({
      published: arena.load.published,
      histories: [rows],
      watchers: [judged(client, arena.tenant)],
    });
  },

  async 'a hint that is lost, and then silence'(arena: Arena): Promise<string[]> {
    const redisUrl = process.env.REDIS_URL!;
    const proxy = await arena.proxyTo(redisUrl, 'resp');
    const watcher = await arena.watch(arena.stack.eventsUrl(await arena.gateway({ REDIS_URL: proxy.via(redisUrl) })));
    await arena.store(2);
    await seen(watcher, 2);
    proxy.dropMessages(/alerts:/, 1);
    const rows = await arena.store(1);
    await caughtUp([watcher], rows, arena.givenMs);
    return brokenPromises({ published: arena.load.published, histories: [rows], watchers: [watcher] });
  },

  async 'hints that come twice'(arena: Arena): Promise<string[]> {
    const { stack } = arena;
    const watcher = await arena.watch(stack.eventsUrl(await arena.gateway()));
    const ear = stack.redis.duplicate();
    arena.onClose(async () => ear.disconnect());
    const hints: Buffer[] = [];
    ear.on('messageBuffer', (_topic: Buffer, hint: Buffer) => hints.push(hint));
    const topic = `${stack.prefix}alerts:${arena.tenant}`;
    await ear.subscribe(topic);
    // one by one: hints that are announced together share a message
    for (let stored = 1; stored <= 3; stored += 1) {
      await arena.store(1);
      await eventually(() => expect(hints).toHaveLength(stored), PATIENCE_MS);
    }
    await seen(watcher, 3);
    for (const hint of [...hints]) await stack.redis.publish(topic, hint);
    const rows = await arena.store(1);
    await seenLast(watcher, rows);
    return brokenPromises({ published: arena.load.published, histories: [rows], watchers: [watcher] });
  },

  async 'a restored history that has reached the old number again'(arena: Arena): Promise<string[]> {
    const { stack } = arena;
    const url = stack.eventsUrl(await arena.gateway());
    const client = arena.client();
    await client.connect(url);
    await arena.store(3);
    const snapshot = await DatabaseSnapshot.take(stack.database.url);
    arena.onClose(() => snapshot.remove());
    const lost = await arena.store(3);
    await seen(client, 6);
    client.disconnect();
    await snapshot.restore();
    await arena.store(3);
    await client.connect(stack.eventsUrl(await arena.gateway()));
    const rows = await arena.store(1);
    await seen(client, 7);
    const kept = arena.load.published.filter(({ id }) => rows.some(({ event_id }) => event_id === id));
    return brokenPromises({ published: kept, histories: [lost, rows], watchers: [judged(client, arena.tenant)] });
  },

  async 'a cut in the middle of a replay, right behind a heartbeat'(arena: Arena): Promise<string[]> {
    // a replay reads a page from the beginning, then waits with the next page until the heartbeat has come
    const nextPage = arena.gate('after.behind');
    const gateway = await arena.gateway({ HEARTBEAT_MS: '1000', FEED_RING_EVENTS: '16' }, nextPage.failpoint);
    const proxy = await arena.proxyTo(gateway.url);
    const url = `${proxy.via(gateway.url)}api/events`;
    const [client, live] = [arena.client(), await arena.watch(arena.stack.eventsUrl(gateway))];
    await client.connect(url);
    client.disconnect();
    await arena.store(PAGE_SIZE + 100);
    await seen(live, PAGE_SIZE + 100);
    nextPage.close();
    const cut = await client.connect(url);
    await seen(client, PAGE_SIZE);
    proxy.connections.at(-1)!.cutOn(/event: heartbeat\ndata: [^\n]*\nid: [^\n]*\n\n/, 'to_client');
    await cut.ended;
    expect({ last: cut.frames.at(-1)!.event, entries: client.entries.length }).toEqual({
      last: 'heartbeat',
      entries: PAGE_SIZE,
    });
    nextPage.open();
    client.disconnect();
    await client.connect(url);
    const more = await arena.store(1);
    await seenLast(client, more);
    return brokenPromises({
      published: arena.load.published,
      histories: [more],
      watchers: [judged(client, arena.tenant)],
    });
  },

  async "a cursor one entry ahead of this gateway's feed"(arena: Arena): Promise<string[]> {
    const { stack } = arena;
    const redisUrl = process.env.REDIS_URL!;
    const proxy = await arena.proxyTo(redisUrl, 'resp');
    const position = arena.gate('heads.before');
    const [ahead, behind] = await Promise.all([
      arena.otherGateway(),
      arena.gateway({ REDIS_URL: proxy.via(redisUrl) }, position.failpoint),
    ]);
    const atBehind = await arena.watch(stack.eventsUrl(behind));
    const client = arena.client();
    await client.connect(stack.eventsUrl(ahead));
    // this gateway receives no more hints, and its next read of the event log does not end
    proxy.dropMessages(/alerts:/);
    position.close();
    await eventually(() => expect(position.heldIn(behind)).toBe(1), PATIENCE_MS);
    await arena.load.burst(1);
    await seen(client, 1);
    client.disconnect();
    expect({ client: client.entries.length, feed: atBehind.seqOf(arena.tenant) }).toEqual({ client: 1, feed: 0 });
    let answered = false;
    const coming = client.connect(stack.eventsUrl(behind)).finally(() => (answered = true));
    // an unbroken gateway reads the event log before it answers
    await eventually(() => expect(answered || position.heldIn(behind) > 1).toBe(true), PATIENCE_MS);
    position.open();
    await coming;
    const rows = await arena.store(1);
    await caughtUp([atBehind], rows, arena.givenMs);
    await seen(client, rows.length);
    return brokenPromises({
      published: arena.load.published,
      histories: [rows],
      watchers: [judged(client, arena.tenant), atBehind],
    });
  },
} as const;

export type ScenarioName = keyof typeof SCENARIOS;
