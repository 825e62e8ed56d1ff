import type { AlertMessageBody } from '@tocsin/contracts/wire';
import { raiseAlerts, type AlertRule } from './alert-rules';
import { EventBroker } from './event-broker';
import { eventually } from './testing/broker-events';

const LOW_STOCK: AlertRule<{ item: string; kilos: number }> = {
  name: 'low_stock',
  pattern: 'public.stock.*',
  when: ({ payload }) => payload.kilos < 5,
  resolveWhen: ({ payload }) => payload.kilos >= 10,
  dedupKey: ({ payload }) => `stock:${payload.item}`,
  alert: ({ payload }) => ({
    tenant_id: 'north-bakery',
    service: 'inventory',
    severity: 'urgent',
    title: `${payload.item} is running low`,
  }),
};

let broker: EventBroker;
let published: AlertMessageBody[];
let outcomes: ('confirmed' | 'failed')[];
const stock = (kilos: number) => broker.publish({ type: 'public.stock.update', payload: { item: 'flour', kilos } });
beforeEach(async () => {
  published = [];
  outcomes = [];
  broker = new EventBroker({ mode: 'sync', retryPolicy: { maxRetries: 1, initialDelayMs: 1 } });
  await broker.start();
});
afterEach(() => broker.stop());

it('an event raises the alert, another one resolves it, and between the bounds nothing is said', async () => {
  const publisher = {
    publish: async (alerts: readonly AlertMessageBody[]) => {
      published.push(...alerts);
      return alerts.map(() => ({ outcome: outcomes.shift() ?? ('confirmed' as const), reason: 'nacked' }));
    },
  };
  const end = raiseAlerts(broker, publisher, [LOW_STOCK]);
  outcomes = ['failed'];
  const results = [await stock(3), await stock(7), await stock(12), await stock(14)];
  expect(published.map(({ id, status, dedup_key, name }) => ({ id, status, dedup_key, name }))).toEqual([
    // not confirmed the first time: the same message again
    ...[0, 0].map(() => ({
      id: `${results[0]!.id}:low_stock`,
      status: 'firing',
      dedup_key: 'stock:flour',
      name: 'low_stock',
    })),
    { id: `${results[2]!.id}:low_stock`, status: 'resolved', dedup_key: 'stock:flour', name: 'low_stock' },
  ]);
  expect(published[0]).toMatchObject({ tenant_id: 'north-bakery', title: 'flour is running low' });
  expect(Date.parse(published[0]!.occurred_at!)).toBeLessThanOrEqual(Date.now());
  await stock(2);
  await stock(11);
  expect(published.slice(3).map(({ status }) => status)).toEqual(['firing', 'resolved']);
  end();
  await stock(1);
  expect(published).toHaveLength(5);
});

it('an alert that is never confirmed makes the event a dead letter', async () => {
  raiseAlerts(broker, { publish: async () => [{ outcome: 'failed', reason: 'unroutable' }] }, [LOW_STOCK]);
  const { status, failures } = await stock(3);
  expect(status).toBe('failed');
  expect(String(failures[0]!.error)).toContain('unroutable');
});

it('an end whose confirmation comes after the alert was raised again does not swallow the next end', async () => {
  await broker.stop();
  broker = new EventBroker({ mode: 'async' });
  await broker.start();
  const confirmations: (() => void)[] = [];
  const publisher = {
    publish: async ([alert]: readonly AlertMessageBody[]) => {
      published.push(alert!);
      if (published.length === 1) await new Promise<void>((confirm) => confirmations.push(confirm));
      return [{ outcome: 'confirmed' as const }];
    },
  };
  raiseAlerts(broker, publisher, [LOW_STOCK]);
  const told = (count: number) => eventually(() => published.length >= count || undefined);
  await stock(12);
  await told(1);
  await stock(3);
  await told(2);
  confirmations[0]!();
  await eventually(async () => (await broker.stats()).total_processed === 2 || undefined);
  await stock(12);
  await told(3);
  expect(published.map(({ status }) => status)).toEqual(['resolved', 'firing', 'resolved']);
});
