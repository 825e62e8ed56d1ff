import { describeSessionStore } from '@tocsin/contracts/testing';
import { freshDatabase } from './testing';
import { PostgresSessionStore } from './session-store.postgres';

describeSessionStore('PostgreSQL', {
  async open() {
    const fresh = await freshDatabase();
    const database = fresh.open('tocsin_gateway');
    await database.check();
    return {
      sessions: new PostgresSessionStore(database),
      async close() {
        await database.close();
        await fresh.drop();
      },
    };
  },
});
