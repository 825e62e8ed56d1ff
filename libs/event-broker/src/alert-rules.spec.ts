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
/** Each event is later than the one before: of the same instant an end would win. */
const stock = async (kilos: number) => {
  const now = Date.now();
  await eventually(() => Date.now() > now || undefined);
  return update('flour', kilos);
};
const update = (item: string, kilos: number) =>
  broker.publish({ type: 'public.stock.update', payload: { item, kilos } });
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

it('an end that is confirmed late, when the alert was raised after it, does not swallow the next end', async () => {
  await broker.stop();
  broker = new EventBroker({ mode: 'async', retryPolicy: { maxRetries: 3, initialDelayMs: 50, maxDelayMs: 50 } });
  await broker.start();
  const publisher = {
    publish: async ([alert]: readonly AlertMessageBody[]) => {
      published.push(alert!);
      return [{ outcome: outcomes.shift() ?? ('confirmed' as const), reason: 'timeout' }];
    },
  };
  raiseAlerts(broker, publisher, [LOW_STOCK]);
  // the end is published, is not confirmed, and is tried again after the alert was raised anew
  outcomes = ['failed'];
  const told = async (kilos: number, count: number) => {
    const { id } = await stock(kilos);
    await eventually(() => published.length >= count || undefined);
    return id;
  };
  const end = await told(12, 1);
  await told(3, 2);
  await eventually(async () => (await broker.stats()).total_processed === 2 || undefined);
  const last = await told(12, 4);
  expect(published.map(({ id, status }) => [id, status])).toEqual([
    [`${end}:low_stock`, 'resolved'],
    [expect.any(String), 'firing'],
    [`${end}:low_stock`, 'resolved'],
    [`${last}:low_stock`, 'resolved'],
  ]);
});

it('nor does it when so many other problems came between that the raise is forgotten', async () => {
  const others = Array.from({ length: 10_000 }, (_, number) => `flour ${number}`);
  const publisher = {
    publish: async ([alert]: readonly AlertMessageBody[]) => {
      if (alert!.dedup_key === 'stock:flour') published.push(alert!);
      if (published.length > 1) return [{ outcome: 'confirmed' as const }];
      await stock(3);
      for (const item of others) await update(item, 3);
      return [{ outcome: 'failed' as const }];
    },
  };
  raiseAlerts(broker, publisher, [LOW_STOCK]);
  await stock(12);
  await stock(12);
  expect(published.map(({ status }) => status)).toEqual(['resolved', 'firing', 'resolved', 'resolved']);
});
