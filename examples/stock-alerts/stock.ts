// A service with a stock of its own in PostgreSQL. It changes the stock as it always did, through TypeORM. The broker
// captures each change within its transaction, and one rule makes alerts of them: the service itself knows of none.
//
//   DATABASE_URL=postgres://localhost/shop RABBITMQ_URL=amqp://localhost node stock.js
import 'reflect-metadata';
import { Pool } from 'pg';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { EventBroker, raiseAlerts, type AlertRule } from '@tocsin/event-broker';
import { DatabaseProvider } from '@tocsin/event-broker/database';
import { captureCrud } from '@tocsin/event-broker/typeorm';
import { AlertPublisher } from '@tocsin/publisher';

@Entity('stock')
export class Stock {
  @PrimaryColumn('text')
  item!: string;

  @Column('integer')
  kilos!: number;
}

/** Raised below 5 kg and resolved from 10 kg on: a stock that moves around one bound would ring all the time. */
const LOW_STOCK: AlertRule<Stock> = {
  name: 'low_stock',
  pattern: 'public.stock.*',
  when: ({ payload, operation }) => operation !== 'delete' && payload.kilos < 5,
  // a new item has no alert that could end
  resolveWhen: ({ payload, operation }) => operation === 'delete' || (operation === 'update' && payload.kilos >= 10),
  dedupKey: ({ payload }) => `stock:${payload.item}`,
  alert: ({ payload }) => ({
    tenant_id: 'north-bakery',
    service: 'inventory',
    severity: 'urgent',
    title: `${payload.item} is running low: ${payload.kilos} kg`,
  }),
};

export class StockService {
  private constructor(
    private readonly database: DataSource,
    private readonly stop: () => Promise<void>,
  ) {}

  static async start(settings: { databaseUrl: string; rabbitmqUrl: string; exchange?: string }): Promise<StockService> {
    const { databaseUrl, rabbitmqUrl, exchange } = settings;
    const database = new DataSource({ type: 'postgres', url: databaseUrl, entities: [Stock], synchronize: true });
    await database.initialize();
    const publisher = new AlertPublisher({ url: rabbitmqUrl, exchange });
    await publisher.connect();
    const pool = new Pool({ connectionString: databaseUrl });
    pool.on('error', (error) => console.error(error.message));
    const broker = new EventBroker({
      provider: new DatabaseProvider({ pool, table: 'stock_events' }),
      instanceId: 'stock-1',
    });
    raiseAlerts(broker, publisher, [LOW_STOCK]);
    await broker.start();
    captureCrud(database, { broker });
    return new StockService(database, async () => {
      await broker.stop();
      await Promise.all([publisher.close(), pool.end(), database.destroy()]);
    });
  }

  /** Takes that many kilos from the stock, or puts them there. Throws when there would be less than none. */
  async move(item: string, kilos: number): Promise<void> {
    await this.database.transaction(async (transaction) => {
      const stock = (await transaction.findOneBy(Stock, { item })) ?? transaction.create(Stock, { item, kilos: 0 });
      stock.kilos += kilos;
      await transaction.save(stock);
      if (stock.kilos < 0) throw new Error(`There is not so much ${item}.`);
    });
  }

  close(): Promise<void> {
    return this.stop();
  }
}

async function main(): Promise<void> {
  const service = await StockService.start({
    databaseUrl: process.env.DATABASE_URL ?? 'postgres://localhost/shop',
    rabbitmqUrl: process.env.RABBITMQ_URL ?? 'amqp://localhost',
  });
  await service.move('Flour', 3);
  await service.move('Flour', 20);
  await service.close();
}

if (require.main === module)
  main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
