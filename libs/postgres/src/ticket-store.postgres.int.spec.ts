import { describeTicketStore } from '@tocsin/contracts/testing';
import { freshDatabase } from './testing';
import { PostgresTicketStore } from './ticket-store.postgres';

describeTicketStore('PostgreSQL', {
  async open() {
    const fresh = await freshDatabase();
    const database = fresh.open('tocsin_gateway');
    // twenty calls at once open the whole pool: its sessions are there before the time of a call counts
    await Promise.all(Array.from({ length: 20 }, () => database.check()));
    return {
      tickets: new PostgresTicketStore(database),
      async close() {
        await database.close();
        await fresh.drop();
      },
    };
  },
});
