import { Unavailable } from '@tocsin/contracts';
import { anAlert } from '@tocsin/contracts/testing';
import { Receipts, type PublishedMessage, type Receipt } from '@tocsin/contracts/ports';
import { ReceiptWatch } from './receipt-watch';

class ReceiptsInMemory extends Receipts {
  readonly known = new Map<string, Receipt>();
  looks = 0;
  away = false;
  of(messages: readonly PublishedMessage[]) {
    this.looks += 1;
    if (this.away) return Promise.reject(new Unavailable('log', 'away'));
    return Promise.resolve(messages.map(({ id }) => this.known.get(id)));
  }
}
const stored = (seq: number): Receipt => ({ outcome: 'stored', position: { epoch: 'e', seq, fp: 'f' } });
const alerts = (...ids: string[]) => ids.map((id) => anAlert({ id }));

describe('waiting for receipts', () => {
  let receipts: ReceiptsInMemory;
  let watch: ReceiptWatch;
  beforeEach(() => {
    receipts = new ReceiptsInMemory();
    watch = new ReceiptWatch(receipts);
  });
  afterEach(() => {
    watch.close();
  });

  it('ends once all of a request are known, in their order', async () => {
    const waiting = watch.wait(alerts('a', 'b'), 5_000);
    receipts.known.set('b', stored(7));
    setTimeout(() => receipts.known.set('a', { outcome: 'dead', reason: 'id_conflict' }), 30);
    expect(await waiting).toEqual([{ outcome: 'dead', reason: 'id_conflict' }, stored(7)]);
  });

  it('ends without an answer when the time is over', async () => {
    receipts.known.set('a', stored(1));
    expect(await watch.wait(alerts('a', 'b'), 50)).toBeUndefined();
  });

  it('is one read for all requests that wait, and none while no request waits', async () => {
    const waiting = ['a', 'b', 'c'].map((id) => watch.wait(alerts(id), 5_000));
    for (const id of ['a', 'b', 'c']) receipts.known.set(id, stored(1));
    await Promise.all(waiting);
    expect(receipts.looks).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(receipts.looks).toBe(1);
    // The reads begin again with the next wait.
    expect(await watch.wait(alerts('a'), 5_000)).toEqual([stored(1)]);
  });

  it('goes on while the log is away', async () => {
    receipts.away = true;
    const waiting = watch.wait(alerts('a'), 5_000);
    receipts.known.set('a', stored(1));
    setTimeout(() => (receipts.away = false), 40);
    expect(await waiting).toEqual([stored(1)]);
    expect(receipts.looks).toBeGreaterThan(1);
  });

  it('is not for more than 5,000 messages at once, and ends for all when the gateway stops', async () => {
    const many = Array.from({ length: 10 }, () =>
      watch.wait(alerts(...Array.from({ length: 500 }, (_, i) => `m${i}`)), 5_000),
    );
    expect(await watch.wait(alerts('a'), 5_000)).toBeUndefined();
    watch.close();
    expect(await Promise.all(many)).toEqual(many.map(() => undefined));
    expect(await watch.wait(alerts('a'), 5_000)).toBeUndefined();
  });
});
