// A service that publishes an alert and waits for the broker's confirm.
//
//   npm install /tmp/tocsin-publisher-0.1.0.tgz     made by `npm pack` in libs/publisher: it is on no registry
//   RABBITMQ_URL=amqp://localhost node publish.js "Flour is running low"
import { AlertPublisher, BrokerUnavailable } from '@tocsin/publisher';

const publisher = new AlertPublisher({
  url: process.env.RABBITMQ_URL ?? 'amqp://localhost',
  exchange: process.env.ALERTS_EXCHANGE ?? 'alerts.exchange',
});

async function main(): Promise<void> {
  await publisher.connect();
  // With an id of your own, publishing twice makes one alert. After a failure it retries the same alert for half a
  // minute.
  const [outcome] = await publisher.publish(
    [
      {
        id: 'stock-4711',
        tenant_id: 'north-bakery',
        service: 'inventory',
        severity: 'urgent',
        name: 'low_stock',
        title: process.argv[2] ?? 'Flour is running low',
      },
    ],
    { retryForMs: 30_000 },
  );
  if (outcome?.outcome !== 'confirmed') throw new Error(`not confirmed: ${outcome?.reason}`);
  console.log(`confirmed ${outcome.id}`);
}

main()
  .catch((error: unknown) => {
    console.error(error instanceof BrokerUnavailable ? `RabbitMQ takes nothing: ${error.obstacle}` : error);
    process.exitCode = 1;
  })
  .finally(() => publisher.close());
