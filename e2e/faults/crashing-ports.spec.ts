import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeliveryListener, SourceQueue } from '@tocsin/contracts/ports';
import { AlertSource, EventBus, EventLog } from '@tocsin/contracts/ports';
import { ListenerByHand } from '@tocsin/contracts/testing';
import { CrashingAlertSource, CrashingEventBus, CrashingEventLog, Failpoints } from './crashing-ports';

/** What was called, in its order; anything can be called. */
function recording<T extends object>(calls: string[], name: string): T {
  return new Proxy({} as T, {
    get:
      (_target, method) =>
      async (...args: unknown[]) => (calls.push(`${name}.${String(method)}`), args[0]),
  });
}

describe('failpoints', () => {
  let calls: string[];
  const crash = () => void calls.push('crash');
  beforeEach(() => (calls = []));
  const logWith = (text: string): EventLog =>
    new CrashingEventLog(recording(calls, 'log'), Failpoints.parse(text, crash));
  const busWith = (text: string): EventBus =>
    new CrashingEventBus(recording(calls, 'bus'), Failpoints.parse(text, crash));
  const untilCrash = async (work: Promise<unknown>) => {
    let done = false;
    void work.then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 10));
    return done ? 'went on' : 'stood still';
  };

  it('crash before the commit, or behind it, and nothing goes on', async () => {
    expect(await untilCrash(logWith('append.before=crash').append([]))).toBe('stood still');
    expect(calls).toEqual(['crash']);
    calls = [];
    expect(await untilCrash(logWith('append.committed=crash').append([]))).toBe('stood still');
    expect(calls).toEqual(['log.append', 'crash']);
  });

  it('count their calls', async () => {
    const log = logWith('append.before=fail@2');
    await log.append([]);
    await expect(log.append([])).rejects.toThrow(/failpoint/);
    await log.append([]);
    expect(calls).toEqual(['log.append', 'log.append']);
  });

  it('leave a hint out without a word', async () => {
    await busWith('publish.before=skip').publish([]);
    expect(calls).toEqual([]);
  });

  it('take their time', async () => {
    const startedAt = performance.now();
    await logWith('after.before=delay:60').after('a' as never, 1, 1);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
    expect(calls).toEqual(['log.after']);
  });

  it('hold a read that goes on behind an entry, for as long as there is a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-hold-'));
    const file = join(folder, 'closed');
    const log = logWith(`after.behind=hold:${file}`);
    const said = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      await log.after('a' as never, 7, 1);
      writeFileSync(file, '');
      await log.after('a' as never, 0, 1);
      const going = log.after('a' as never, 7, 1);
      expect(await untilCrash(going)).toBe('stood still');
      expect(said.mock.calls).toEqual([['{"msg":"held by a failpoint","point":"after.behind"}\n']]);
      rmSync(file);
      await going;
      expect(calls).toEqual(['log.after', 'log.after', 'log.after']);
    } finally {
      said.mockRestore();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('crash between a message that is handled and its acknowledgement', async () => {
    let given!: DeliveryListener;
    const inner = {
      consume: async (open: (queue: SourceQueue) => DeliveryListener) =>
        void (given = open({ name: 'q', kind: 'common', prefetch: 1, parks: false })),
      bury: async () => undefined,
      cancel: async () => undefined,
      stop: async () => undefined,
      consuming: true,
    } satisfies AlertSource;
    const listener = new ListenerByHand((delivery, session) => session.acknowledge(delivery));
    await new CrashingAlertSource(inner, Failpoints.parse('settle.before=crash', crash)).consume(() => listener);
    given.opened({
      acknowledgeUpTo: () => void calls.push('acknowledged'),
      acknowledge: () => void calls.push('acknowledged'),
      giveBack: () => undefined,
      park: () => undefined,
    });
    given.delivered({ message: { body: Buffer.from('{}'), redelivered: false }, returns: 0 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect([listener.deliveries.length, calls]).toEqual([1, ['crash']]);
  });

  it.each([
    'append.soon=crash',
    'append.before=explode',
    'append.before',
    'append.before=crash@x',
    'append.before=hold:',
  ])('are not %s', (text) => {
    expect(() => Failpoints.parse(text)).toThrow(/Not a failpoint/);
  });
});
