import { Refused, type Settlement } from '@tocsin/contracts';
import type { Settled } from '@tocsin/contracts/ports';
import { createLogger } from '@tocsin/observability';
import { Settlements } from './settlements';
import { aDelivery, away } from './testing/memory-queue';

const log = createLogger({ app: 'test', level: 'silent' });

/** A store that keeps the calls and fails as the test says. */
class Store {
  readonly calls: string[][] = [];
  trouble: (ids: string[]) => Error | undefined = () => undefined;
  async settle(settlements: readonly Settlement[]): Promise<Settled[]> {
    const ids = settlements.map(({ delivery_id }) => delivery_id);
    this.calls.push(ids);
    const error = this.trouble(ids);
    if (error) throw error;
    return ids.map((id) => (id.startsWith('stale') ? 'stale' : 'sent'));
  }
}

describe('settlements', () => {
  let store: Store;
  let settlements: Settlements;
  const settle = (delivery_id: string) =>
    settlements.settle({ ...aDelivery({ delivery_id }), outcome: 'sent', answer: null, provider_id: null });
  beforeEach(() => {
    store = new Store();
    settlements = new Settlements(store, log);
  });

  it('of one turn are one call, and those that come meanwhile are the next', async () => {
    const first = [settle('a'), settle('stale b')];
    await new Promise((resolve) => setImmediate(resolve));
    const second = [settle('c'), settle('d')];
    expect(await Promise.all(first)).toEqual(['sent', 'stale']);
    expect(await Promise.all(second)).toEqual(['sent', 'sent']);
    await settlements.drained();
    expect(store.calls).toEqual([
      ['a', 'stale b'],
      ['c', 'd'],
    ]);
  });

  it('are at most a thousand in a call, and so many that wait stop the claims', async () => {
    const all = Array.from({ length: 2_500 }, (_, index) => settle(String(index)));
    expect(settlements.congested).toBe(true);
    await Promise.all(all);
    expect(store.calls.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(settlements.congested).toBe(false);
  });

  it('wait while the store is away, and stop the claims until it is back', async () => {
    let failures = 0;
    store.trouble = () => (failures++ < 3 ? away() : undefined);
    const settled = settle('a');
    while (failures === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(settlements.congested).toBe(true);
    expect(await settled).toBe('sent');
    await settlements.drained();
    expect(settlements.congested).toBe(false);
    expect(store.calls).toHaveLength(4);
  });

  it('that the store refuses are dropped alone, and block no others', async () => {
    store.trouble = (ids) => (ids.includes('bad') ? new Refused('invalid_field', 'the test says so') : undefined);
    expect(await Promise.all(['a', 'bad', 'b'].map(settle))).toEqual(['sent', undefined, 'sent']);
  });
});
