import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { HeartbeatFrame } from '@tocsin/contracts';
import { aTenant, eventually } from '@tocsin/contracts/testing';
import { createLogger } from '@tocsin/observability';
import { beginAtHead } from '../feeds/catch-up';
import type { TenantFeed } from '../feeds/tenant-feed';
import { LogInMemory } from '../feeds/testing/log-in-memory';
import { formatPosition } from '../positions/cursor';
import { viewOf } from '../frames/view';
import { EventStream } from './event-stream';
import { EVERYTHING, LiveGateway, type Client } from './testing/open-stream';

const tenant = aTenant('north');
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('a client that reads less than its tenant publishes', () => {
  let gateway: LiveGateway;
  let log: LogInMemory;
  let client: Client;
  let feed: TenantFeed;
  const publish = (count = 1, overrides = {}) => gateway.bus.deliver(...log.put(tenant, count, overrides));
  const stored = () => log.streams.get(tenant)!.events.length;
  const start = async (options = {}) => {
    gateway = new LiveGateway((log = new LogInMemory()), { backlogBytes: 262_144, stallMs: 60_000, ...options });
    client = await gateway.connect([tenant]);
    [feed] = gateway.feeds.opened as [TenantFeed];
    await eventually(() => expect(feed.streams).toBe(1));
  };
  /** Publishes while the client reads nothing, until its stream has left the feed. */
  const fallBehind = async () => {
    client.response.pause();
    client.response.socket.pause();
    while (feed.streams > 0 && !gateway.streams[0]!.closed) {
      publish(10, { message: 'x'.repeat(2_000) });
      await turn();
    }
  };
  const read = () => {
    client.response.socket.resume();
    client.response.resume();
  };
  /** Has the feed checked after a time, sends a heartbeat, and returns what the client hears of it. */
  const checkedAfter = async (time: number): Promise<() => Promise<number>> => {
    await eventually(() => expect(Date.now()).toBeGreaterThan(time));
    await feed.check();
    gateway.streams[0]!.heartbeat(new Date());
    const count = client.of('heartbeat').length + 1;
    return async () => {
      await eventually(() => expect(client.of('heartbeat')).toHaveLength(count), 20_000);
      return Date.parse((client.of('heartbeat').at(-1)!.data as unknown as HeartbeatFrame).checked_at);
    };
  };
  afterEach(() => gateway.close());

  it('is told by the heartbeats that it is not current, until it is', async () => {
    await start();
    await fallBehind();
    const left = Date.now();
    const heard = await checkedAfter(left);
    read();
    expect(await heard()).toBeLessThanOrEqual(left);
    await eventually(() => expect(feed.streams).toBe(1), 20_000);
    expect(await (await checkedAfter(left))()).toBeGreaterThan(left);
    await client.hears(upTo(stored()));
  }, 60_000);

  it('while it is replayed as much as a stream replays at most, gets all of it', async () => {
    await start({ maxReplay: 200, ringEvents: 10 });
    log.put(tenant, 200);
    await feed.check();
    const go = log.pause();
    const back = await gateway.connect([tenant], { cursor: formatPosition(log.position(tenant, 0)) });
    publish(150);
    await eventually(() => expect(feed.last.seq).toBe(350));
    go();
    await back.hears(upTo(350));
    expect(back.of('reset')).toEqual([]);
  });

  it('by more than a stream replays is told so, and continues with what comes next', async () => {
    await start({ maxReplay: 50 });
    await fallBehind();
    // also more than it was behind at first, by what was published in one turn
    publish(stored() + 51);
    const head = stored();
    await eventually(() => expect(feed.last.seq).toBe(head));
    read();
    await eventually(() => expect(client.of('reset')).toHaveLength(1), 20_000);
    await eventually(() => expect(feed.streams).toBe(1), 20_000);
    publish();
    await eventually(() => expect(client.seqs.at(-1)).toBe(head + 1));
    expect(client.of('reset')).toMatchObject([
      { id: formatPosition(log.position(tenant, head)), data: { tenant_id: tenant, reason: 'window_exceeded' } },
    ]);
    const before = client.seqs.length - 1;
    expect(before).toBeLessThan(head - 50);
    expect(client.seqs).toEqual([...upTo(before), head + 1]);
    const resets = await gateway.metrics.registry.getSingleMetricAsString('tocsin_resets_total');
    expect(resets).toContain('tocsin_resets_total{reason="window_exceeded"} 1');
  }, 60_000);

  it('is as current as what it was sent last, though it does not come level with its feed', async () => {
    await start();
    let received = '';
    /** Has the client read what was written last; undefined while nothing waits for it. */
    let readNext: (() => void) | undefined;
    const socket = new Writable({
      write(chunk: Buffer, _encoding, done) {
        readNext = () => {
          readNext = undefined;
          received += chunk.toString();
          done();
        };
      },
    });
    const limits = { backlogBytes: 131_072, stallMs: 60_000, maxReplay: 1_000 };
    const [view, logger] = [viewOf(EVERYTHING, 'named'), createLogger({ app: 'test', level: 'silent' })];
    Object.assign(socket, { setNoDelay: () => socket, setKeepAlive: () => socket });
    const stream = new EventStream(socket as unknown as Socket, '', view, limits, gateway.metrics, logger);
    const readUntil = async (text: string) => {
      while (!received.includes(text)) {
        readNext?.();
        await turn();
      }
    };
    stream.open();
    stream.follow(feed, beginAtHead(feed), { release: () => undefined });
    await stream.run({ verdict: 'fresh', tenants: [], heartbeat_ms: 1, server_time: '' }, log);
    expect(feed.streams).toBe(2);

    publish(50, { message: 'x'.repeat(2_000) });
    await eventually(() => expect(feed.streams).toBe(1));
    const left = Date.now();
    await eventually(() => expect(Date.now()).toBeGreaterThan(left));
    publish(20, { message: 'x'.repeat(2_000) });
    await eventually(() => expect(feed.last.seq).toBe(70));
    await readUntil('"seq":50,');
    await feed.check();
    stream.heartbeat(new Date());
    expect(feed.streams).toBe(1);
    await readUntil('event: heartbeat');
    const [, checkedAt] = /"checked_at":"([^"]*)"/.exec(received)!;
    expect(Date.parse(checkedAt!)).toBeGreaterThan(left);
    stream.close('draining');
  });
});
