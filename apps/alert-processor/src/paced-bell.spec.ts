import { PacedBell, RING_EVERY_MS } from './paced-bell';

describe('the bell of ingest', () => {
  let rings: number;
  let bell: PacedBell;
  beforeEach(() => {
    jest.useFakeTimers();
    rings = 0;
    bell = new PacedBell({ ring: async () => void (rings += 1), onRing: async () => ({ close: () => undefined }) });
  });
  afterEach(() => jest.useRealTimers());

  it('rings at once, and again as soon as it has rested', () => {
    bell.ring();
    expect(rings).toBe(1);
    jest.advanceTimersByTime(RING_EVERY_MS);
    expect(rings).toBe(1);
    bell.ring();
    expect(rings).toBe(2);
  });

  it('rings once for many within its rest, and only after it: the last of them is not forgotten', () => {
    for (let i = 0; i < 20; i += 1) bell.ring();
    expect(rings).toBe(1);
    jest.advanceTimersByTime(RING_EVERY_MS - 1);
    expect(rings).toBe(1);
    jest.advanceTimersByTime(1);
    expect(rings).toBe(2);
    jest.advanceTimersByTime(10 * RING_EVERY_MS);
    expect(rings).toBe(2);
  });
});
