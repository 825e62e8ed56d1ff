import { HeartbeatWheel, type Beating } from './heartbeat-wheel';

const START = Date.parse('2026-01-02T03:04:05Z');
const HOUR = 3_600_000;

/** A stream whose right ends at a given time. It records when it was closed, by this test's clock. */
class Stream implements Beating {
  closedFor: string | undefined;
  closedAfterMs: number | undefined;
  private readonly listeners: Parameters<Beating['whenEnded']>[0][] = [];
  constructor(private readonly expiresAt: number) {}
  get closed(): boolean {
    return this.closedFor !== undefined;
  }
  leftMs = (now: number) => this.expiresAt - now;
  /** When heartbeats were sent, in milliseconds since the beginning. */
  readonly beats: number[] = [];
  heartbeat(): void {
    this.beats.push(performance.now() - startedAt);
  }
  whenEnded(listener: Parameters<Beating['whenEnded']>[0]): void {
    this.listeners.push(listener);
  }
  close(reason: string): void {
    if (this.closed) return;
    this.closedFor = reason;
    this.closedAfterMs = performance.now() - startedAt;
    for (const listener of this.listeners) listener('client', this);
  }
}

let startedAt: number;
let wheel: HeartbeatWheel;
let streams: Stream[];
const open = (leftMs: number): Stream => {
  const stream = new Stream(START + leftMs);
  streams.push(stream);
  wheel.add(stream);
  return stream;
};
/** Moves the wall clock alone; timers and the monotonic clock do not notice. */
const setClockAhead = (ms: number) => jest.setSystemTime(Date.now() + ms);

beforeEach(() => {
  jest.useFakeTimers({ now: START });
  startedAt = performance.now();
  [wheel, streams] = [new HeartbeatWheel(55_000), []];
});
afterEach(async () => {
  for (const stream of streams) stream.close('left');
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

it('a right that ends by itself ends its stream within 1 s', () => {
  const [soon, later] = [open(30_000), open(10 * 60_000)];
  jest.advanceTimersByTime(29_900);
  expect([soon.closed, later.closed]).toEqual([false, false]);
  jest.advanceTimersByTime(1_000);
  expect([soon.closedFor, later.closed]).toEqual(['token_expired', false]);
  jest.advanceTimersByTime(10 * 60_000);
  expect(later.closedFor).toBe('token_expired');
});

it.each([1_000, 60_000, HOUR, 30 * 24 * HOUR])(
  'a clock that jumps %p ms ahead ends what has expired by it within 1 s, and nothing else',
  (jump) => {
    const [expired, alive] = [open(jump - 500), open(jump + 2 * HOUR)];
    jest.advanceTimersByTime(100);
    setClockAhead(jump);
    jest.advanceTimersByTime(900);
    expect({ expired: expired.closedFor, alive: alive.closedFor }).toEqual({
      expired: 'token_expired',
      alive: undefined,
    });
  },
);

it('a right that is close to its end after a jump is watched from then on', () => {
  const stream = open(HOUR + 3_000);
  setClockAhead(HOUR);
  jest.advanceTimersByTime(2_500);
  expect(stream.closed).toBe(false);
  jest.advanceTimersByTime(1_500);
  expect(stream.closedFor).toBe('token_expired');
});

it('a clock that is set back, or that creeps, closes nothing', () => {
  const stream = open(HOUR);
  setClockAhead(-HOUR);
  jest.advanceTimersByTime(5_000);
  for (let i = 0; i < 100; i += 1) {
    setClockAhead(20);
    jest.advanceTimersByTime(250);
  }
  expect(stream.closed).toBe(false);
});

it('a jump while no stream was open does not count for later streams', () => {
  open(HOUR).close('client');
  setClockAhead(HOUR);
  const stream = open(HOUR + HOUR);
  jest.advanceTimersByTime(2_000);
  expect(stream.closed).toBe(false);
});

it('each stream beats once a period, those that came together at moments of their own, half a period later at the soonest', () => {
  const together = Array.from({ length: 40 }, () => open(HOUR));
  jest.advanceTimersByTime(3 * 55_000);
  const first = together.map(({ beats }) => beats[0]!);
  expect(Math.min(...first)).toBeGreaterThanOrEqual(55_000 / 2);
  expect(Math.max(...first)).toBeLessThanOrEqual(55_000 * 1.03);
  expect(new Set(first).size).toBeGreaterThan(5);
  for (const { beats } of together) for (const at of beats.slice(1)) expect((at - beats[0]!) % 55_000).toBeLessThan(1);
});

it('a stream that has ended does not beat, and one that ended before it came leaves no timer behind', () => {
  const stream = open(HOUR);
  stream.close('left');
  open(-1);
  expect(jest.getTimerCount()).toBe(0);
  jest.advanceTimersByTime(2 * 55_000);
  expect(stream.beats).toEqual([]);
});
