import { describeTicketStore } from '@tocsin/contracts/testing';
import { Database } from './database';
import { freshDatabase } from './testing';
import { PostgresTicketStore } from './ticket-store.postgres';

describeTicketStore('PostgreSQL', {
  async open() {
    const fresh = await freshDatabase();
    const database = new Database({ connection: { url: fresh.url }, role: 'tocsin_gateway' });
    await database.check();
    return {
      tickets: new PostgresTicketStore(database),
      async close() {
        await database.close();
        await fresh.drop();
      },
    };
  },
});
