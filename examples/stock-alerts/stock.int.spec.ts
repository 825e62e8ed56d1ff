import type { AlertMessageBody } from '@tocsin/contracts/wire';
import { freshDatabase, type FreshDatabase } from '@tocsin/postgres/testing';
import { ExampleQueue } from '../testing/example-queue';
import { StockService } from './stock';

let database: FreshDatabase;
let queue: ExampleQueue;
let service: StockService;
beforeAll(async () => {
  [database, queue] = await Promise.all([freshDatabase({ migrated: false }), ExampleQueue.open()]);
  const { RABBITMQ_URL, ALERTS_EXCHANGE } = queue.environment;
  service = await StockService.start({
    databaseUrl: database.url,
    rabbitmqUrl: RABBITMQ_URL!,
    exchange: ALERTS_EXCHANGE,
  });
});
afterAll(async () => {
  await service?.close();
  await queue?.close();
  await database?.drop();
});

/** The next alert that arrives in the queue. */
async function nextAlert(): Promise<AlertMessageBody> {
  for (;;) {
    const message = await queue.get().catch(() => undefined);
    if (message) return JSON.parse(message.content.toString()) as AlertMessageBody;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('a stock that falls raises low_stock, one that is filled up resolves it, and a rolled-back change does neither', async () => {
  await service.move('Flour', 20);
  await service.move('Flour', -17);
  const raised = await nextAlert();
  expect(raised).toMatchObject({
    tenant_id: 'north-bakery',
    service: 'inventory',
    severity: 'urgent',
    name: 'low_stock',
    dedup_key: 'stock:Flour',
    status: 'firing',
    title: 'Flour is running low: 3 kg',
  });
  await expect(service.move('Sugar', -1)).rejects.toThrow('not so much Sugar');
  await service.move('Flour', 4);
  await service.move('Flour', 8);
  const resolved = await nextAlert();
  expect(resolved).toMatchObject({ name: 'low_stock', dedup_key: 'stock:Flour', status: 'resolved' });
  expect(Date.parse(resolved.occurred_at!)).toBeGreaterThanOrEqual(Date.parse(raised.occurred_at!));
});
