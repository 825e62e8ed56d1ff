import { Unavailable } from '@tocsin/contracts';
import { LogRetention } from '@tocsin/contracts/ports';
import { eventually } from '@tocsin/contracts/testing';
import { createLogger } from '@tocsin/observability';
import { Retention, type Kept } from './retention';

const DAY_MS = 86_400_000;

/** Two steps of tenants, and ids for two portions. */
class RetentionInMemory extends LogRetention {
  readonly calls: string[] = [];
  trouble: Error | undefined;
  refused = 0;
  portions = 2;

  async release(keptMs: number, behind = '') {
    this.calls.push(`release ${keptMs / DAY_MS} behind "${behind}"`);
    return { next: behind === '' ? 'm' : null };
  }

  async deleteReleased(behind = '') {
    if (this.trouble) {
      this.refused += 1;
      throw this.trouble;
    }
    this.calls.push(`delete behind "${behind}"`);
    return { next: behind === '' ? 'm' : null, deleted: 1 };
  }

  async deleteSettled(keptMs: number) {
    this.calls.push(`delete settled ${keptMs / DAY_MS}`);
    return { next: null, deleted: 1 };
  }

  async forgetIds(keptMs: number) {
    this.calls.push(`forget ${keptMs / DAY_MS}`);
    return Math.max(0, (this.portions -= 1));
  }
}

describe('retention', () => {
  let store: RetentionInMemory;
  const retention = (kept: Kept, everyMs?: number) =>
    new Retention(store, kept, createLogger({ app: 'test', level: 'silent' }), everyMs);
  beforeEach(() => (store = new RetentionInMemory()));

  it('deletes what an earlier run has released before it releases more, and forgets ids to the end', async () => {
    await retention({ retentionDays: 90, dedupDays: 7 }).run();
    expect(store.calls).toEqual([
      'delete behind ""',
      'delete behind "m"',
      'release 90 behind ""',
      'release 90 behind "m"',
      'delete settled 90',
      'forget 7',
      'forget 7',
    ]);
  });

  it('releases nothing where entries are kept for ever, and still finishes what was released', async () => {
    await retention({ retentionDays: 0, dedupDays: 7 }).run();
    expect(store.calls).toEqual(['delete behind ""', 'delete behind "m"', 'forget 7', 'forget 7']);
  });

  it('ends after the present step when it is told to stop', async () => {
    await retention({ retentionDays: 90, dedupDays: 7 }).run(AbortSignal.abort());
    expect(store.calls).toEqual(['delete behind ""', 'release 90 behind ""', 'delete settled 90']);
  });

  it('runs again when the store was away', async () => {
    store.trouble = new Unavailable('log', 'the test says so');
    const running = retention({ retentionDays: 0, dedupDays: 7 }, 5);
    running.start();
    await eventually(() => expect(store.refused).toBeGreaterThan(1));
    expect(store.calls).toEqual([]);
    store.trouble = undefined;
    await eventually(() => expect(store.calls).toContain('forget 7'));
    await running.stop();
  });
});
