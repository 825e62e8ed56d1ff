import type { EndListener, EndReason, EventStream } from './event-stream';
import { OpenStreams } from './open-streams';

/** A stream that ends when the test tells it to, and records the reason. */
class Stream {
  closedFor: string | undefined;
  private listeners: EndListener[] = [];
  get closed(): boolean {
    return this.closedFor !== undefined;
  }
  heartbeat(): void {}
  leftMs = () => Infinity;
  whenEnded(listener: EndListener): void {
    this.listeners.push(listener);
  }
  close(reason: EndReason): void {
    if (this.closed) return;
    this.closedFor = reason;
    for (const listener of this.listeners) listener(reason, this as unknown as EventStream);
  }
}

let gauge: number;
let streams: OpenStreams;
const open = () => {
  const stream = new Stream();
  streams.add(stream as unknown as EventStream);
  return stream;
};

beforeEach(() => {
  jest.useFakeTimers();
  gauge = 0;
  const sseConnections = { inc: () => void (gauge += 1), dec: () => void (gauge -= 1) } as never;
  streams = new OpenStreams(15_000, 10_000, { sseConnections });
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

it('counts the streams that are open, and those that were slow', () => {
  const [slow, gone, left] = [open(), open(), open()];
  expect([streams.size, gauge]).toEqual([3, 3]);
  slow.close('slow');
  gone.close('client');
  expect([streams.size, gauge, streams.closedSlow]).toEqual([1, 1, 1]);
  expect(streams.open).toEqual([left]);
  left.close('client');
  expect([streams.size, gauge, streams.closedSlow]).toEqual([0, 0, 1]);
});

it('a drain lets each go at a moment of its window, and is over when all have ended', async () => {
  const all = Array.from({ length: 50 }, open);
  let over = false;
  const drained = streams.drain().then(() => (over = true));
  expect(streams.isDraining).toBe(true);
  all[0]!.close('client');
  jest.advanceTimersByTime(5_000);
  const half = all.filter(({ closed }) => closed).length;
  expect(half).toBeGreaterThan(5);
  expect(half).toBeLessThan(45);
  expect(over).toBe(false);
  jest.advanceTimersByTime(5_000);
  await drained;
  expect(new Set(all.map(({ closedFor }) => closedFor))).toEqual(new Set(['client', 'draining']));
  await streams.drain();
});
