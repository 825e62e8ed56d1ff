import { Metrics } from '@tocsin/observability';
import { CHANNELS } from '@tocsin/contracts/wire';
import { DepthWatch } from './depth-watch';
import { away } from './testing/memory-queue';

describe('the metrics of what is due', () => {
  const values = async (gauge: Metrics['deliveriesDue']) =>
    Object.fromEntries((await gauge.get()).values.map(({ labels, value }) => [labels.channel, value]));

  it('name every channel, with 0 where nothing is due, and are absent while the store is away', async () => {
    const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });
    const store: { trouble?: Error } = {};
    const depth = async () => {
      if (store.trouble) throw store.trouble;
      return [
        { channel: 'email' as const, due: 7, oldest_due_at: '2026-01-01T00:00:00.000Z', waiting: 2 },
        { channel: 'sms' as const, due: 0, oldest_due_at: null, waiting: 1 },
      ];
    };
    const watch = new DepthWatch({ depth }, metrics, () => Date.parse('2026-01-01T00:00:12.500Z'));
    await watch.look();
    const zeros = Object.fromEntries(CHANNELS.map((channel) => [channel, 0]));
    expect(await values(metrics.deliveriesDue)).toEqual({ ...zeros, email: 7 });
    expect(await values(metrics.deliveryOldestDueAge)).toEqual({ ...zeros, email: 12.5 });

    store.trouble = away();
    await watch.look();
    expect(await values(metrics.deliveriesDue)).toEqual({});
    expect(await values(metrics.deliveryOldestDueAge)).toEqual({});
  });
});
