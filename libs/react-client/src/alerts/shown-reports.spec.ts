import type { Entry } from '@tocsin/contracts/wire';
import type { Heard, StreamListener } from '../stream/stream-events';
import { CLOSED } from '../stream/status';
import { ShownReports } from './shown-reports';

const entry = (seq: number, trace_id: string | null = 'a'.repeat(32)) =>
  ({ tenant_id: 'bakery', seq, trace_id }) as Entry;
const LIVE: Heard = { replayed: false, notify: true, cursor: 'c' };

describe('reports of what was shown', () => {
  let sent: { path: string; body: { sent_at: number; clock_offset_ms: number; shown: { seq: number }[] } }[];
  let isLeader: boolean;
  let fails: boolean;
  let paint: (() => void)[];
  let tell: StreamListener<'entry'>;
  let end: () => void;
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000 });
    [sent, isLeader, fails, paint] = [[], true, false, []];
    const reports = new ShownReports(
      {
        call: async (_method: string, path: string, { body }: { body?: unknown } = {}) => {
          sent.push({ path, body: body as never });
          if (fails) throw new Error('away');
          return null as never;
        },
      },
      {
        get status() {
          return { ...CLOSED, clockOffsetMs: 12.4, isLeader };
        },
        on: (_event, listener) => {
          tell = listener as never;
          return () => (tell = () => undefined);
        },
      },
      (painted) => void paint.push(painted),
    );
    end = reports.attach();
  });
  afterEach(() => {
    end();
    jest.useRealTimers();
  });
  const painted = () => paint.splice(0).forEach((shown) => shown());

  it('go out together, with the time of the painting and the clock', async () => {
    tell(entry(1), LIVE);
    tell(entry(2), LIVE);
    jest.setSystemTime(1_016);
    painted();
    await jest.advanceTimersByTimeAsync(2_000);
    const shown = [1, 2].map((seq) => ({ tenant_id: 'bakery', seq, shown_at: 1_016 }));
    expect(sent).toEqual([{ path: '/me/shown', body: { sent_at: 3_016, clock_offset_ms: 12, shown } }]);
  });

  it('leave out what has no trace, is replayed, was not painted, or another tab reports', async () => {
    tell(entry(1, null), LIVE);
    tell(entry(2), { ...LIVE, replayed: true });
    isLeader = false;
    tell(entry(3), LIVE);
    expect(paint).toEqual([]);
    isLeader = true;
    tell(entry(4), LIVE);
    await jest.advanceTimersByTimeAsync(10_000);
    expect([paint.length, sent]).toEqual([1, []]);
  });

  it('hold 50 entries at most, and go on after one that failed', async () => {
    fails = true;
    for (let seq = 1; seq <= 60; seq += 1) tell(entry(seq), LIVE);
    painted();
    await jest.advanceTimersByTimeAsync(2_000);
    tell(entry(61), LIVE);
    painted();
    await jest.advanceTimersByTimeAsync(2_000);
    expect(sent.map(({ body }) => body.shown.length)).toEqual([50, 1]);
  });

  it('end when they are detached', async () => {
    tell(entry(1), LIVE);
    painted();
    end();
    tell(entry(2), LIVE);
    await jest.advanceTimersByTimeAsync(10_000);
    expect([paint, sent]).toEqual([[], []]);
  });
});
