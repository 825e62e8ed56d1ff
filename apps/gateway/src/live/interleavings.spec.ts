import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { createParser } from 'eventsource-parser';
import type { StoredEvent } from '@tocsin/contracts';
import { aTenant } from '@tocsin/contracts/testing';
import { createLogger, Metrics } from '@tocsin/observability';
import { beginAt, beginWithNewest } from '../feeds/catch-up';
import { assignPositions, parseCursor } from '../positions/cursor';
import { EventStream } from './event-stream';
import { viewOf } from '../frames/view';
import { TenantFeeds } from '../feeds/tenant-feeds';
import { LogInMemory } from '../feeds/testing/log-in-memory';
import { BusInMemory, EVERYTHING } from './testing/open-stream';

const tenant = aTenant('north');
const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
const logger = createLogger({ app: 'test', level: 'silent' });
/** Room for one entry: a stream that is to write more at once leaves its feed, and replays. */
const BACKLOG_BYTES = 1_500;

/** The actions, in their order. Between any two of them the event loop may turn or not. */
const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      fate: fc.constantFrom('arrives', 'arrives', 'arrives', 'is lost', 'comes twice', 'comes late', 'has no data'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deliver what is late' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('connect' as const), client: fc.nat(2) }) },
  // 0: nothing is found that passes the filter
  { weight: 2, arbitrary: fc.record({ do: fc.constant('begin' as const), client: fc.nat(2), newest: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('disconnect' as const), client: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('check' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('heartbeat' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause the log' as const), pages: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('let the log answer' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restore' as const),
      back: fc.integer({ min: 1, max: 6 }),
      again: fc.nat(8),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
);

/** A client that compares every frame that it receives with the event log as it was when the frame was made. */
class Reader {
  cursor = '';
  stream: EventStream | undefined;
  /** The number that must come next; NaN before the first frame. */
  private expected = NaN;

  constructor(private readonly world: World) {}

  /** Opens a stream at the cursor, or with so many of the newest entries. */
  async connect(newest?: number): Promise<void> {
    this.disconnect();
    if (newest !== undefined) this.cursor = '';
    const { cursor, world } = this;
    this.expected = NaN;
    const parser = createParser({
      onEvent: ({ id, event, data }) => this.read(id, event, JSON.parse(data) as Record<string, unknown>, cursor),
    });
    const socket = new Writable({ write: (chunk: Buffer, _encoding, done) => (parser.feed(chunk.toString()), done()) });
    Object.assign(socket, { setNoDelay: () => socket, setKeepAlive: () => socket });
    const stream = new EventStream(
      socket as unknown as Socket,
      '',
      viewOf(EVERYTHING, 'named'),
      { backlogBytes: BACKLOG_BYTES, stallMs: 1e4, maxReplay: 40 },
      metrics,
      logger,
    );
    this.stream = stream;
    const [feed] = await world.feeds.acquireAll([tenant]);
    const sent = assignPositions(parseCursor(cursor), new Map([[tenant, feed!.last.epoch]])).get(tenant)!;
    const beginning =
      newest === undefined
        ? await beginAt(sent, feed!, world.log, 40)
        : await beginWithNewest(newest, EVERYTHING, feed!, world.log);
    stream.follow(feed!, beginning, { release: () => world.feeds.release(tenant, 0) });
    if (!stream.closed)
      await stream.run({ verdict: beginning.verdict, tenants: [], heartbeat_ms: 1, server_time: '' }, world.log);
  }

  disconnect(): void {
    this.stream?.close('draining');
    this.stream = undefined;
  }

  private read(
    id: string | undefined,
    event: string | undefined,
    data: Record<string, unknown>,
    cursorAtConnect: string,
  ): void {
    if (id === undefined) return; // The stream was closed before it had a position.
    const at = Number(id.split('-')[1]);
    if (event === 'connection') {
      if (data.verdict === 'resumed' && id !== cursorAtConnect)
        this.world.violations.push(`resumed at ${id}, came with ${cursorAtConnect}`);
      if (data.verdict === 'gap' && !this.world.mayGap(cursorAtConnect))
        this.world.violations.push(`a false gap for ${cursorAtConnect}`);
      this.expected = at + 1;
    } else if (event === 'reset') {
      if (this.world.restores === 0) this.world.violations.push('a reset of a history that was not replaced');
      this.expected = at + 1;
    } else if (typeof data.seq === 'number') {
      if (data.seq !== this.expected) this.world.violations.push(`got ${data.seq}, expected ${this.expected}`);
      if (at !== data.seq || !this.world.everStored.has(id))
        this.world.violations.push(`${id} is no entry that was ever stored`);
      this.expected += 1;
    } else if (at >= this.expected)
      this.world.violations.push(`${event} carries ${at}, but only ${this.expected - 1} was written`);
    this.cursor = id;
  }
}

class World {
  readonly log = new LogInMemory();
  readonly bus = new BusInMemory();
  readonly feeds: TenantFeeds;
  readonly everStored = new Set<string>();
  readonly violations: string[] = [];
  restores = 0;
  private late: StoredEvent[] = [];
  private go: () => void = () => undefined;
  private readonly running: Promise<unknown>[] = [];
  readonly readers = [new Reader(this), new Reader(this), new Reader(this)];

  constructor(private readonly joinMs: number) {
    this.feeds = new TenantFeeds(
      this.log,
      this.bus,
      { ringEvents: 8, ringBytes: 1e9, joinMs: () => joinMs },
      metrics,
      logger,
    );
  }

  store(count: number): StoredEvent[] {
    const events = this.log.put(tenant, count);
    for (const { epoch, seq, fp } of events) this.everStored.add(`${epoch}-${seq}-${fp}`);
    return events;
  }

  /** Whether a gap is correct for a client with this cursor: its entry is deleted or too far behind. */
  mayGap(cursor: string): boolean {
    const [, seq, fp] = cursor.split('-');
    const events = this.log.streams.get(tenant)!.events;
    const known = seq === '0' || events[Number(seq) - 1]?.fp === fp;
    return !known || events.length - Number(seq) > 40 || this.restores > 0;
  }

  async perform(step: typeof action extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
    if (step.do === 'publish') {
      const [event] = this.store(1);
      if (step.fate === 'arrives') this.bus.deliver(event!);
      if (step.fate === 'comes twice') this.bus.deliver(event!, event!);
      if (step.fate === 'comes late') this.late.push(event!);
      if (step.fate === 'has no data')
        this.bus.hear(tenant, {
          epoch: event!.epoch,
          seq: event!.seq,
          fp: event!.fp,
          prev_fp: null,
          event: 'notification',
          filter: { ...event!.entry, previous_severity: null },
          data: null,
        });
    } else if (step.do === 'deliver what is late') this.bus.deliver(...this.late.splice(0).reverse());
    else if (step.do === 'connect') this.running.push(this.readers[step.client]!.connect());
    else if (step.do === 'begin') this.running.push(this.readers[step.client]!.connect(step.newest));
    else if (step.do === 'disconnect') this.readers[step.client]!.disconnect();
    else if (step.do === 'check')
      for (const feed of this.feeds.opened) this.running.push(feed.check().catch(() => undefined));
    else if (step.do === 'heartbeat') for (const { stream } of this.readers) stream?.heartbeat(new Date());
    else if (step.do === 'pause the log') {
      this.go();
      this.go = this.log.pause(step.pages);
    } else if (step.do === 'let the log answer') this.go();
    else if (step.do === 'restore') {
      const { length } = this.log.streams.get(tenant)!.events;
      if (length < step.back) return;
      this.restores += 1;
      this.late = [];
      this.log.restore(tenant, length - step.back);
      this.store(step.again);
    } else await turn();
  }

  /** Runs no further actions, and checks positions until every client has every entry. */
  async settle(): Promise<void> {
    this.go();
    await Promise.all(this.running);
    const { length } = this.log.streams.get(tenant)!.events;
    const head = this.log.position(tenant, length);
    for (let round = 0; round < 50; round += 1) {
      await Promise.all(this.feeds.opened.map((feed) => feed.check()));
      await (this.joinMs > 0 ? sleep(this.joinMs) : turn());
      const behind = this.readers.filter(
        ({ stream, cursor }) => stream && cursor !== `${head.epoch}-${head.seq}-${head.fp}`,
      );
      if (behind.length === 0) return;
    }
    throw new Error(
      `a client is not at the head: ${this.readers.map(({ cursor }) => cursor).join(' ')}, the log is at ${length}`,
    );
  }

  close(): void {
    for (const reader of this.readers) reader.disconnect();
    this.feeds.close();
  }
}

it('in any order of hints, pages, joins, overflows and resets, every client sees one contiguous run to the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 5, maxLength: 60 }),
      fc.constantFrom(0, 0, 2),
      async (steps, joinMs) => {
        const world = new World(joinMs);
        world.store(3);
        try {
          for (const step of steps) await world.perform(step);
          await world.settle();
          expect(world.violations).toEqual([]);
        } finally {
          world.close();
        }
      },
    ),
    { numRuns: Number(process.env.INTERLEAVINGS ?? 400) },
  );
}, 120_000);
