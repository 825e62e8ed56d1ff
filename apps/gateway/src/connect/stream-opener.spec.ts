import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConnectionFrame, Membership, TenantId } from '@tocsin/contracts';
import { aTenant, eventually } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import type { VerifiedToken } from '@tocsin/auth';
import type { GatewayConfig } from '../config';
import { formatPosition } from '../positions/cursor';
import type { Held } from '../live/lifetime';
import { OpenStreams } from '../live/open-streams';
import { BeginStream } from './begin-stream';
import { IdentifyClient } from './identify-client';
import { StreamOpener } from './stream-opener';
import { TakePlace } from './take-place';
import { TenantFeeds } from '../feeds/tenant-feeds';
import { LogInMemory } from '../feeds/testing/log-in-memory';
import { BusInMemory, Client } from '../live/testing/open-stream';

const [north, harbour, third] = [aTenant('north'), aTenant('harbour'), aTenant('third')];
const upTo = (last: number, first = 1) => Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
const membership = (tenant_id: TenantId): Membership => ({ tenant_id, name: tenant_id, role: 'owner' });

let log: LogInMemory;
let bus: BusInMemory;
let feeds: TenantFeeds;
let mine: TenantId[];
let revoked: Set<TenantId>;
let held: Held[];
let clients: Client[];
let maxReplay: number;
let close: () => Promise<void>;
let connect: (query?: string, cursor?: string) => Promise<Client>;

/**
 * A gateway after the check of credentials: everything that a request for a stream uses from there on is real, except
 * for the event log and the bus.
 */
beforeEach(async () => {
  const logger = createLogger({ app: 'test', level: 'silent' });
  const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
  [log, bus, mine, revoked, held, clients, maxReplay] = [
    new LogInMemory(),
    new BusInMemory(),
    [north, harbour],
    new Set(),
    [],
    [],
    50,
  ];
  feeds = new TenantFeeds(log, bus, { ringEvents: 20, ringBytes: 1e6 }, metrics, logger);
  const streams = new OpenStreams(60_000, 0, metrics);
  const right = {
    user_id: 'ana',
    expires_at: Date.now() + 3_600_000,
    jti: null,
    issued_at: 0,
    scopes: new Set(['alerts:read']),
    claims: {},
    token: '',
  } as unknown as VerifiedToken;
  const config = {
    get REPLAY_MAX_EVENTS() {
      return maxReplay;
    },
    STREAM_BACKLOG_BYTES: 1e7,
    STREAM_STALL_MS: 5_000,
    STREAM_INITIAL_EVENTS: 0,
    STREAM_QUERY_TOKEN: true,
    STREAM_GZIP: false,
    HEARTBEAT_MS: 60_000,
    CORS_ORIGINS: [],
    TRUSTED_PROXIES: 0,
  };
  const revocations = { isRevoked: () => false, tenantsRevoked: () => revoked } as never;
  const settings = config as unknown as GatewayConfig;
  const begin = new BeginStream(feeds, log, revocations, settings);
  const opener = new StreamOpener(
    new IdentifyClient(
      { verify: () => Promise.resolve(right) } as never,
      {} as never,
      { of: () => Promise.resolve(mine.map(membership)) } as never,
      revocations,
      settings,
      { cookieName: undefined } as never,
    ),
    new TakePlace({ admit: () => Promise.resolve(() => undefined) }, streams, begin),
    begin,
    { watch: (one: Held) => void held.push(one) },
    log,
    settings,
    metrics,
    logger,
  );
  const server = createServer((request, response) => {
    opener
      .open({ url: request.url!, headers: request.headers, rawHeaders: request.rawHeaders }, response.socket!)
      .catch((error: Error) => response.writeHead(500).end(error.message));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  connect = async (query = '', cursor = '') => {
    const headers = { accept: 'text/event-stream', ...(cursor ? { 'last-event-id': cursor } : {}) };
    const request = get({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      path: `/api/events?token=t${query}`,
      agent: false,
      headers,
    });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const client = new Client(response);
    clients.push(client);
    await eventually(() => expect(client.of('connection')).not.toHaveLength(0));
    return client;
  };
  close = async () => {
    for (const client of clients) client.leave();
    await streams.drain();
    feeds.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterEach(() => close());

const at = (tenant: TenantId, seq: number) => formatPosition(log.position(tenant, seq));
const publish = (tenant: TenantId, count = 1, overrides = {}) => bus.deliver(...log.put(tenant, count, overrides));
const told = (client: Client, time = -1) => client.of('connection').at(time)!.data as unknown as ConnectionFrame;
const of = (client: Client, tenant: TenantId) =>
  client.frames.filter(({ data }) => 'seq' in data && data.tenant_id === tenant).map(({ data }) => data.seq);
/** Resolves once everything that was published before has arrived and the stream is live. */
const settled = async (client: Client) => {
  const [tenant] = mine;
  publish(tenant!, 1, { title: 'last' });
  await eventually(() => expect(client.frames.at(-1)!.data.title).toBe('last'), 5_000);
};

describe('?since=N', () => {
  beforeEach(() => (mine = [north]));
  const severities = (...runs: [number, 'urgent' | 'low'][]) =>
    runs.forEach(([count, severity]) => log.put(north, count, { severity }));

  it.each<[string, [number, 'urgent' | 'low'][], string, number[]]>([
    ['entries within the ring', [[10, 'low']], '&since=3', [8, 9, 10]],
    ['more than the replay window', [[200, 'low']], '&since=120', upTo(200, 81)],
    ['more than there are', [[4, 'low']], '&since=500', upTo(4)],
    ['none of them', [[4, 'low']], '&since=0', []],
    [
      'those that pass, beyond the replay window',
      [
        [3, 'urgent'],
        [400, 'low'],
      ],
      '&since=2&severity=urgent',
      [2, 3],
    ],
    [
      'those that pass, on both sides of it',
      [
        [3, 'urgent'],
        [400, 'low'],
        [1, 'urgent'],
        [2, 'low'],
      ],
      '&since=3&severity=urgent',
      [2, 3, 404],
    ],
    [
      'those that pass, fewer than asked for',
      [
        [1, 'low'],
        [3, 'urgent'],
        [400, 'low'],
      ],
      '&since=20&severity=urgent',
      [2, 3, 4],
    ],
    ['those that pass, when none does', [[400, 'low']], '&since=20&severity=urgent', []],
    ['an empty log', [], '&since=20&severity=urgent', []],
  ])('of %s', async (_, runs, query, seqs) => {
    severities(...runs);
    const client = await connect(query);
    const count = log.streams.get(north)?.events.length ?? 0;
    expect(told(client)).toMatchObject({
      verdict: 'fresh',
      tenants: [{ verdict: 'fresh', missed: 0, reason: null, behind: seqs.length, searched: null }],
    });
    expect(client.of('connection')[0]!.id).toBe(at(north, seqs.length > 0 ? seqs[0]! - 1 : count));
    publish(north, 1, { severity: 'urgent' });
    await client.hears([...seqs, count + 1]);
    // Each frame's id is its own position, and the last one's that of the live stream.
    expect(client.frames.filter(({ data }) => 'seq' in data).map(({ id }) => id)).toEqual(
      [...seqs, count + 1].map((seq) => at(north, seq)),
    );
  });

  it('reads no more of the log than it sends, however far back that is', async () => {
    severities([3, 'urgent'], [4_000, 'low']);
    const client = await connect('&since=3&severity=urgent');
    await client.hears([1, 2, 3]);
    publish(north, 1, { severity: 'urgent' });
    await client.hears([1, 2, 3, 4_004]);
    expect(log.asked.after).toBe(0);
  });

  it('says how many entries were searched when too few passed', async () => {
    log.searched = 100;
    severities([2, 'urgent'], [120, 'low'], [1, 'urgent'], [50, 'low']);
    const few = await connect('&since=2&severity=urgent');
    expect(told(few)).toMatchObject({ verdict: 'fresh', tenants: [{ missed: 0, searched: 100 }] });
    await few.hears([123]);
    expect(told(await connect('&since=1&severity=urgent')).tenants[0]).toMatchObject({ searched: null });
    expect(told(await connect('&since=120')).tenants[0]).toMatchObject({ searched: 100 });
  });

  it('continues with cursors that cover everything, and a client that leaves in the middle misses nothing', async () => {
    severities([3, 'urgent'], [30, 'low']);
    const first = await connect('&since=3&severity=urgent');
    await first.hears([1, 2, 3]);
    const back = await connect('&severity=urgent', at(north, 2));
    await back.hears([3]);
    publish(north, 1, { severity: 'urgent' });
    await back.hears([3, 34]);
    await first.hears([1, 2, 3, 34]);
  });

  it('gives each of several tenants its own', async () => {
    mine = [north, harbour];
    severities([2, 'urgent'], [100, 'low']);
    log.put(harbour, 5, { severity: 'urgent' });
    const client = await connect('&since=2&severity=urgent');
    await settled(client);
    expect([of(client, north).slice(0, 2), of(client, harbour)]).toEqual([
      [1, 2],
      [4, 5],
    ]);
    expect(told(client)).toMatchObject({ verdict: 'fresh' });
  });
});

describe('a tenant that leaves a stream', () => {
  const lose = (one: Held, tenant: TenantId) => {
    one.stream.drop(tenant);
    return one.change(
      one.memberships.filter(({ tenant_id }) => tenant_id !== tenant),
      [],
    );
  };
  const regain = (one: Held, ...tenants: TenantId[]) =>
    one.change([...one.stream.tenants, ...tenants].map(membership), tenants);

  it('stays in the cursor, and what was missed is sent when it comes back', async () => {
    log.put(harbour, 5);
    const client = await connect('', `north=${at(north, 0)};harbour=${at(harbour, 5)}`);
    publish(harbour, 2);
    await eventually(() => expect(of(client, harbour)).toEqual([6, 7]));
    await lose(held[0]!, harbour);
    publish(harbour, 3, { title: 'not for now' });
    publish(north, 2);
    await eventually(() => expect(of(client, north)).toEqual([1, 2]));
    expect(client.cursor).toBe(`north=${at(north, 2)};harbour=${at(harbour, 7)}`);
    expect(told(client).tenants.map(({ tenant_id }) => tenant_id)).toEqual([north]);
    expect(client.text).not.toContain('not for now');

    await regain(held[0]!, harbour);
    await eventually(() => expect(of(client, harbour)).toEqual(upTo(10, 6)));
    expect(told(client)).toMatchObject({
      verdict: 'resumed',
      tenants: [
        { tenant_id: north, verdict: 'resumed' },
        { tenant_id: harbour, verdict: 'resumed', missed: 0, behind: 3 },
      ],
    });
    publish(harbour);
    await eventually(() => expect(of(client, harbour)).toEqual(upTo(11, 6)));
    expect(client.cursor).toBe(`north=${at(north, 2)};harbour=${at(harbour, 11)}`);
  });

  it('that missed more than is replayed is reported to the client', async () => {
    const client = await connect();
    await settled(client);
    await lose(held[0]!, harbour);
    publish(harbour, maxReplay + 1);
    await regain(held[0]!, harbour);
    await eventually(() => expect(client.of('connection')).toHaveLength(3));
    expect(told(client)).toMatchObject({
      verdict: 'gap',
      tenants: [{}, { tenant_id: harbour, verdict: 'gap', missed: maxReplay + 1, reason: 'window_exceeded' }],
    });
  });

  it('whose history was replaced in the meantime is reported to the client', async () => {
    log.put(harbour, 5);
    const client = await connect();
    await settled(client);
    await lose(held[0]!, harbour);
    log.restore(harbour, 3);
    publish(harbour, 4);
    await eventually(() => expect(feeds.opened.find((feed) => feed.tenant === harbour)!.generation).toBe(1));
    await regain(held[0]!, harbour);
    await eventually(() => expect(client.of('connection')).toHaveLength(3));
    expect(told(client)).toMatchObject({
      verdict: 'gap',
      tenants: [{}, { tenant_id: harbour, reason: 'history_replaced', missed: null }],
    });
  });

  it('one that was never there is fresh, and one that is revoked while it joins is not taken up', async () => {
    const client = await connect();
    await settled(client);
    revoked = new Set([third]);
    log.put(third, 1, { title: 'of a revoked tenant' });
    await regain(held[0]!, third);
    expect(held[0]!.stream.tenants).toEqual([north, harbour]);
    expect(told(client).tenants.map(({ tenant_id }) => tenant_id)).toEqual([north, harbour]);
    revoked = new Set();
    await regain(held[0]!, third);
    await eventually(() =>
      expect(told(client).tenants[2]).toMatchObject({ tenant_id: third, verdict: 'fresh', missed: 0, behind: 0 }),
    );
    expect(client.text).not.toContain('of a revoked tenant');
  });

  it('stays in the cursor over reconnects, and is not used until the tenant is back', async () => {
    log.put(harbour, 5);
    mine = [north];
    const alone = await connect('', `north=${at(north, 0)};harbour=${at(harbour, 3)}`);
    expect(told(alone)).toMatchObject({ verdict: 'resumed', tenants: [{ tenant_id: north }] });
    publish(north);
    await eventually(() => expect(of(alone, north)).toEqual([1]));
    expect(alone.frames.map(({ id }) => id)).toEqual(
      [0, 1].map((seq) => `north=${at(north, seq)};harbour=${at(harbour, 3)}`),
    );
    expect(of(alone, harbour)).toEqual([]);
    const again = await connect('', alone.cursor);
    mine = [north, harbour];
    const both = await connect('', again.cursor);
    await eventually(() => expect(of(both, harbour)).toEqual([4, 5]));
    expect(told(both)).toMatchObject({ verdict: 'resumed', tenants: [{ behind: 0 }, { behind: 2, missed: 0 }] });
  });

  it('stays in the cursor of a stream that was narrowed', async () => {
    log.put(harbour, 5);
    const narrow = await connect('&tenant=north', `north=${at(north, 0)};harbour=${at(harbour, 3)}`);
    expect(narrow.cursor).toBe(`north=${at(north, 0)};harbour=${at(harbour, 3)}`);
  });

  it('gives way where there is no room: the stream’s own tenants first, and of the others the newest', async () => {
    mine = [north];
    const foreign = upTo(40).map((n) => `t${n}=e${n}-1-abcdefgh`);
    const client = await connect('', [`north=${at(north, 0)}`, ...foreign.slice(0, 31)].join(';'));
    expect(client.cursor!.split(';')).toHaveLength(32);
    await regain(held[0]!, harbour);
    await eventually(() => expect(client.of('connection')).toHaveLength(2));
    expect(client.cursor!.split(';')).toEqual([
      `north=${at(north, 0)}`,
      `harbour=${at(harbour, 0)}`,
      ...foreign.slice(1, 31),
    ]);
    const most = await connect('', [`north=${at(north, 0)}`, ...foreign].join(';'));
    expect(most.cursor!.split(';')).toEqual([`north=${at(north, 0)}`, ...foreign.slice(9)]);
  });
});

describe('of several cursors', () => {
  beforeEach(() => (mine = [north]));

  it.each([
    ['&last_event_id=2&lastEventId=5', ''],
    ['&lastEventId=5&last_event_id=2', ''],
    ['&last_event_id=2', '5'],
    ['&last_event_id=5', '2'],
    ['&last_event_id=2&lastEventId=5', '2'],
    ['&lastEventID=5', ''],
    ['&Last-Event-ID=5&last_event_id=3', ''],
    ['&lastEventId=garbage&last_event_id=5', ''],
  ])('%s with the header %j goes on behind 5', async (query, header) => {
    log.put(north, 8);
    const place = (text: string) => text.replace(/=(\d)/g, (_, seq) => `=${at(north, Number(seq))}`);
    const client = await connect(place(query), header && at(north, Number(header)));
    await client.hears([6, 7, 8]);
    expect(told(client).verdict).toBe('resumed');
  });

  it('the page’s old one leads no stream astray that a restored backup has reset since', async () => {
    log.put(north, 30);
    const old = at(north, 30);
    log.restore(north, 10);
    log.put(north, 5);
    const client = await connect(`&last_event_id=${old}&lastEventId=${at(north, 12)}`);
    await client.hears([13, 14, 15]);
    const replaced = await connect(`&last_event_id=${at(north, 4)}&lastEventId=${old}`);
    expect(told(replaced)).toMatchObject({ verdict: 'gap', tenants: [{ reason: 'history_replaced' }] });
  });
});

it.each(['e1-0-abcdefgh', 'EPOCH-0-abcdefgh', 'EPOCH-0-00000000', 'EPOCH-3-0', 'e1-0-0', 'north=EPOCH-0-abcdefgh'])(
  'the forged cursor %s is a gap, then live',
  async (cursor) => {
    mine = [north];
    const { epoch } = log.position(north, 0);
    const client = await connect('', cursor.replace('EPOCH', epoch));
    expect(told(client)).toMatchObject({ verdict: 'gap', tenants: [{ verdict: 'gap', missed: null }] });
    publish(north);
    await client.hears([1]);
    expect(client.of('close')).toEqual([]);
  },
);
