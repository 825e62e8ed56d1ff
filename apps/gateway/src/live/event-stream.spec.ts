import { setImmediate as turn } from 'node:timers/promises';
import { hintOf } from '@tocsin/contracts';
import { aTenant, eventually } from '@tocsin/contracts/testing';
import { formatPosition } from '../positions/cursor';
import { OpenStreams } from './open-streams';
import { LogInMemory } from '../feeds/testing/log-in-memory';
import { EVERYTHING, LiveGateway, type Client } from './testing/open-stream';

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

let gateway: LiveGateway;
let log: LogInMemory;
const tenant = aTenant('north');
const other = aTenant('harbour');
const start = (options = {}) => (gateway = new LiveGateway((log = new LogInMemory()), options));
const publish = (count = 1, overrides = {}, to = tenant) => gateway.bus.deliver(...log.put(to, count, overrides));
const cursorAt = (seq: number) => formatPosition(log.position(tenant, seq));
/** Resolves once the client's stream has joined its feed: from then on a hint reaches it without a query. */
const live = (client: Client) => eventually(() => expect(client.of('connection')).toHaveLength(1)).then(() => turn());
beforeEach(() => start());
afterEach(() => gateway.close());

describe('a live stream', () => {
  it('answers at once with a comment and then with its position, without any entry', async () => {
    log.put(tenant, 3);
    const client = await gateway.connect([tenant]);
    await live(client);
    expect(client.response.statusCode).toBe(200);
    expect(client.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
      'cache-control': 'no-store, no-transform',
    });
    expect(client.response.headers['transfer-encoding']).toBeUndefined();
    expect(client.frames).toMatchObject([{ id: cursorAt(3), event: 'connection', data: { verdict: 'fresh' } }]);
  });

  it('gets what is published, in order, each with the id of its place', async () => {
    const client = await gateway.connect([tenant]);
    await live(client);
    publish(50);
    await client.hears(upTo(50));
    expect(client.frames.slice(1).map(({ id }) => id)).toEqual(upTo(50).map(cursorAt));
  });

  it('is correct when hints are duplicated, late, swapped, lost, empty or malformed', async () => {
    const client = await gateway.connect([tenant]);
    await live(client);
    const [one, two, three, four, five, six] = log.put(tenant, 6);
    gateway.bus.deliver(two!, one!, one!, three!, two!);
    await client.hears([1, 2, 3]);
    expect(log.asked.after).toBe(0);
    gateway.bus.deliver(five!);
    await client.hears(upTo(6));
    gateway.bus.deliver(four!, six!);
    gateway.bus.hear(tenant, undefined);
    publish();
    await client.hears(upTo(7));
  });

  it('finds a lost last hint by the position check', async () => {
    const client = await gateway.connect([tenant]);
    await live(client);
    log.put(tenant, 2);
    await client.hears([1, 2]);
  });

  it('a hint of another epoch changes nothing by itself', async () => {
    const client = await gateway.connect([tenant]);
    await live(client);
    const [real] = log.put(tenant, 1);
    gateway.bus.deliver({ ...real!, epoch: 'forged' });
    await client.hears([1]);
    expect(client.of('reset')).toHaveLength(0);
  });

  it('with a filter passes what matched before or after, and its cursor moves on over the rest', async () => {
    const client = await gateway.connect([tenant], { filter: { ...EVERYTHING, severity: ['urgent'] } });
    await live(client);
    publish(1, { severity: 'urgent' });
    publish(1, { severity: 'low', previous: { status: 'firing', severity: 'urgent' } });
    publish(3, { severity: 'low' });
    await client.hears([1, 2]);
    gateway.streams[0]!.heartbeat(new Date());
    await eventually(() => expect(client.of('heartbeat')).toMatchObject([{ id: cursorAt(5) }]));
  });

  it('with labels passes what has them all, live and replayed, for one tenant and for several', async () => {
    const filter = { ...EVERYTHING, labels: { site: 'north', line: '2' } };
    const clients = [await gateway.connect([tenant], { filter }), await gateway.connect([tenant, other], { filter })];
    for (const client of clients) await live(client);
    const sites = [
      { site: 'north', line: '2' },
      { site: 'north' },
      { site: 'south', line: '2' },
      { line: '2', site: 'north', shift: 'late' },
    ];
    for (const labels of sites) publish(1, { labels });
    clients.push(await gateway.connect([tenant], { filter, cursor: cursorAt(0) }));
    for (const client of clients) await client.hears([1, 4]);
    gateway.streams[0]!.heartbeat(new Date());
    await eventually(() => expect(clients[0]!.of('heartbeat')).toMatchObject([{ id: cursorAt(4) }]));
  });

  it('without names sends entries as plain messages', async () => {
    const client = await gateway.connect([tenant], { named: false });
    await live(client);
    publish();
    await client.hears([1]);
    expect(client.frames.at(-1)!.event).toBeUndefined();
  });
});

describe('a client that comes back', () => {
  it('gets what it missed from the log, then from the ring, without a gap or a double', async () => {
    log.put(tenant, 1_200);
    const first = await gateway.connect([tenant], { cursor: cursorAt(3) });
    await first.hears(upTo(1_200, 4));
    expect(first.of('connection')[0]).toMatchObject({ id: cursorAt(3), data: { verdict: 'resumed' } });
    publish(20);
    await first.hears(upTo(1_220, 4));
    const asked = log.asked.after;
    const second = await gateway.connect([tenant], { cursor: cursorAt(1_205) });
    await second.hears(upTo(1_220, 1_206));
    expect(log.asked.after).toBe(asked);
  });

  it('to a ring of several pages gets them all without a query', async () => {
    await gateway.close();
    start({ ringEvents: 1_300 });
    const resident = await gateway.connect([tenant]);
    await live(resident);
    publish(1_200);
    await resident.hears(upTo(1_200));
    await eventually(() => expect(gateway.feeds.opened[0]!.ringDepth).toBe(1_200));
    const { after } = log.asked;
    const client = await gateway.connect([tenant], { cursor: cursorAt(10) });
    await client.hears(upTo(1_200, 11));
    expect(log.asked.after).toBe(after);
  });

  it('with a thousand others costs a few queries a tenant, not one a client', async () => {
    await gateway.close();
    start({ ringEvents: 500 });
    log.put(tenant, 400);
    const clients = await Promise.all(
      Array.from({ length: 40 }, (_, i) => gateway.connect([tenant], { cursor: cursorAt(100 + i) })),
    );
    await Promise.all(clients.map((client, i) => client.hears(upTo(400, 101 + i))));
    // one, and three of 100 entries each, when they all come in one turn
    expect(log.asked.heads).toBeLessThanOrEqual(4);
    expect(log.asked.after).toBeLessThanOrEqual(8);
  });

  it('loses nothing of what is published while it reads its history', async () => {
    log.put(tenant, 700);
    const resident = await gateway.connect([tenant]);
    await live(resident);
    const go = log.pause();
    const client = await gateway.connect([tenant], { cursor: cursorAt(1) });
    publish(5);
    await resident.hears(upTo(705, 701));
    go();
    publish(5);
    await client.hears(upTo(710, 2));
    await resident.hears(upTo(710, 701));
  });

  it('loses nothing when more is published meanwhile than the ring holds', async () => {
    await gateway.close();
    start({ ringEvents: 16 });
    log.put(tenant, 10);
    const resident = await gateway.connect([tenant]);
    await live(resident);
    const go = log.pause();
    const client = await gateway.connect([tenant], { cursor: cursorAt(1) });
    for (let i = 0; i < 10; i += 1) publish(50);
    go();
    await client.hears(upTo(510, 2));
  });

  it('a heartbeat during its replay carries its own place, not the head', async () => {
    log.put(tenant, 1_200);
    const resident = await gateway.connect([tenant]);
    await live(resident);
    const go = log.pause(1);
    const client = await gateway.connect([tenant], { cursor: cursorAt(2) });
    await client.hears(upTo(66, 3));
    gateway.streams[1]!.heartbeat(new Date());
    await eventually(() => expect(client.of('heartbeat')).toMatchObject([{ id: cursorAt(66) }]));
    go();
    await client.hears(upTo(1_200, 3));
  });

  it.each([
    ['garbage', 'gap'],
    ['e9-3-abcdefgh', 'gap'],
  ])('with the cursor %s is told of a gap and goes on live', async (cursor, verdict) => {
    log.put(tenant, 5);
    const client = await gateway.connect([tenant], { cursor });
    await live(client);
    expect(client.of('connection')[0]).toMatchObject({ id: cursorAt(5), data: { verdict } });
    publish();
    await client.hears([6]);
  });

  it('with a cursor beyond this feed, but not beyond the log, resumes: another gateway was ahead', async () => {
    const resident = await gateway.connect([tenant]);
    await live(resident);
    log.put(tenant, 3);
    const client = await gateway.connect([tenant], { cursor: cursorAt(3) });
    await live(client);
    expect(client.of('connection')[0]).toMatchObject({ data: { verdict: 'resumed' } });
    publish();
    await client.hears([4]);
  });

  it('after a restored backup is told of a gap even when the numbers fit', async () => {
    log.put(tenant, 10);
    const cursor = cursorAt(8);
    log.restore(tenant, 5);
    log.put(tenant, 10);
    const client = await gateway.connect([tenant], { cursor });
    await live(client);
    expect(client.of('connection')[0]).toMatchObject({ id: cursorAt(15), data: { verdict: 'gap' } });
  });

  it('having missed more than a stream replays, or what is deleted, is told of a gap', async () => {
    await gateway.close();
    start({ maxReplay: 10 });
    log.put(tenant, 20);
    const far = await gateway.connect([tenant], { cursor: cursorAt(9) });
    const near = await gateway.connect([tenant], { cursor: cursorAt(10) });
    log.deleteBelow(tenant, 15);
    await live(far);
    await near.hears(upTo(20, 11));
    expect(far.of('connection')[0]).toMatchObject({ data: { verdict: 'gap' } });
  });
});

describe('a replaced history', () => {
  it('under an open stream is one reset, and the stream goes on from the new head', async () => {
    log.put(tenant, 10);
    const client = await gateway.connect([tenant]);
    await live(client);
    publish();
    await client.hears([11]);
    log.restore(tenant, 4);
    log.put(tenant, 2);
    await eventually(() =>
      expect(client.of('reset')).toMatchObject([
        { id: cursorAt(6), data: { tenant_id: tenant, reason: 'history_replaced' } },
      ]),
    );
    publish(2);
    await client.hears([11, 7, 8]);
  });

  it('is found even when the log has passed the old number again', async () => {
    log.put(tenant, 10);
    const client = await gateway.connect([tenant]);
    await live(client);
    log.restore(tenant, 4);
    log.put(tenant, 20);
    await eventually(() => expect(client.of('reset')).toHaveLength(1));
    publish();
    await client.hears([25]);
    expect(client.of('reset')).toHaveLength(1);
  });
});

describe('a history replaced between two checks', () => {
  it('is found by the first hint of the new one, though its number is the next', async () => {
    log.put(tenant, 10);
    const client = await gateway.connect([tenant]);
    await live(client);
    log.restore(tenant, 4);
    log.put(tenant, 6);
    publish();
    await eventually(() => expect(client.of('reset')).toMatchObject([{ id: cursorAt(11) }]));
    publish();
    await client.hears([12]);
  });
});

describe('several tenants on one stream', () => {
  it('each keeps its order, and the cursor holds a place in all of them', async () => {
    log.put(other, 2, {});
    const client = await gateway.connect([tenant, other]);
    await live(client);
    publish(2);
    publish(1, {}, other);
    publish(1);
    await eventually(() => expect(client.seqs).toHaveLength(4));
    const cursor = client.cursor!;
    expect(cursor).toBe(`north=${cursorAt(3)};harbour=${formatPosition(log.position(other, 3))}`);
    client.leave();
    publish(2);
    publish(3, {}, other);
    const back = await gateway.connect([tenant, other], { cursor });
    await eventually(() => expect(back.seqs).toHaveLength(5));
    const seqsOf = (name: string) =>
      back.frames.filter(({ data }) => data.tenant_id === name).map(({ data }) => data.seq);
    expect([seqsOf(tenant), seqsOf(other)]).toEqual([
      [4, 5],
      [4, 5, 6],
    ]);
  });
});

describe('an end', () => {
  it('comes with the right to the stream, carrying what was written', async () => {
    const client = await gateway.connect([tenant]);
    await live(client);
    publish();
    await client.hears([1]);
    const [stream] = gateway.streams;
    const expiresAt = Date.now() + 400;
    stream!.closeAt(expiresAt);
    new OpenStreams(15_000, 0, gateway.metrics).add(stream!);
    await eventually(() => expect(stream!.closed).toBe(true));
    expect(Date.now() - expiresAt).toBeGreaterThanOrEqual(0);
    expect(Date.now() - expiresAt).toBeLessThan(1_000);
    await eventually(() => expect(client.ended).toBe(true));
    expect(client.frames.at(-1)).toMatchObject({
      event: 'close',
      id: cursorAt(1),
      data: { reason: 'token_expired', action: 'reauthenticate' },
    });
  });

  it('of a right that comes later than the next heartbeats is noticed by one of them, and not before', async () => {
    const client = await gateway.connect([tenant]);
    await live(client);
    const [stream] = gateway.streams;
    stream!.closeAt(Date.now() + 3_000);
    new OpenStreams(1_000, 0, gateway.metrics).add(stream!);
    publish();
    await client.hears([1]);
    expect(client.of('close')).toHaveLength(0);
    await eventually(() => expect(client.of('close')).toMatchObject([{ data: { reason: 'token_expired' } }]), 5_000);
  });

  it('a client that reads is never slow, though one read of the event log brings more than the whole backlog', async () => {
    start({ backlogBytes: 262_144 });
    const client = await gateway.connect([tenant]);
    await live(client);
    const events = log.put(tenant, 64, { message: 'x'.repeat(100_000) });
    gateway.bus.hear(tenant, { ...hintOf(events.at(-1)!), data: null });
    await client.hears(upTo(64));
    publish(2, { message: 'x'.repeat(100_000) });
    await client.hears(upTo(66));
    expect(client.of('close')).toEqual([]);
    // live again: what comes next needs no query
    const { after } = log.asked;
    publish();
    await client.hears(upTo(67));
    expect(log.asked.after).toBe(after);
  });

  it('a client of several tenants that reads is never slow either, when all of them bring more than the backlog', async () => {
    await gateway.close();
    start({ backlogBytes: 262_144, ringEvents: 4 });
    const tenants = Array.from({ length: 12 }, (_, n) => aTenant(`tenant-with-a-rather-long-name-${n}`));
    const client = await gateway.connect(tenants);
    await live(client);
    for (const one of tenants) {
      const events = log.put(one, 100, { message: 'x'.repeat(20_000) });
      gateway.bus.hear(one, { ...hintOf(events[3]!), data: null });
    }
    await eventually(() => expect(client.frames.filter(({ data }) => 'seq' in data)).toHaveLength(1_200), 20_000);
    for (const one of tenants) {
      const seqs = client.frames
        .filter(({ data }) => data.tenant_id === one && 'seq' in data)
        .map(({ data }) => data.seq);
      expect(seqs).toEqual(upTo(100));
    }
    expect(client.of('close')).toEqual([]);
  }, 30_000);

  it('a client that falls behind is closed as slow, and catches up on return', async () => {
    await gateway.close();
    start({ backlogBytes: 65_536 });
    const client = await gateway.connect([tenant]);
    await live(client);
    client.response.pause();
    client.response.socket.pause();
    for (let i = 0; i < 400; i += 1) {
      publish(10, { message: 'x'.repeat(2_000) });
      await turn();
    }
    await eventually(() => expect(gateway.streams[0]!.closed).toBe(true));
    const slow = await gateway.metrics.registry.getSingleMetricAsString('tocsin_sse_connections_closed_total');
    expect(slow).toContain('reason="slow"');
    const back = await gateway.connect([tenant], { cursor: cursorAt(3_990) });
    await back.hears(upTo(4_000, 3_991));
  });

  it('a client that leaves takes its feed with it', async () => {
    const client = await gateway.connect([tenant]);
    await live(client);
    client.leave();
    await eventually(() => expect(gateway.feeds.size).toBe(0));
    expect(gateway.bus.listeners.size).toBe(0);
  });
});
