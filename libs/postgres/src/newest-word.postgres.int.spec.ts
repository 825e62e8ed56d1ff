import { describeNewestWord } from '@tocsin/messages/testing';
import { PostgresAlertQueries } from './alert-queries.postgres';
import { PostgresEventLog } from './event-log.postgres';
import { freshDatabase } from './testing';

describeNewestWord('PostgreSQL', {
  async open() {
    const fresh = await freshDatabase();
    const [processor, gateway] = (['tocsin_processor', 'tocsin_gateway'] as const).map((role) => fresh.open(role));
    return {
      log: new PostgresEventLog(processor!),
      folding: new PostgresEventLog(processor!, { after: 1, windowMs: 300 }),
      reader: new PostgresEventLog(gateway!),
      queries: new PostgresAlertQueries(gateway!),
      runs: 40,
      async close() {
        await Promise.all([processor!.close(), gateway!.close()]);
        await fresh.drop();
      },
    };
  },
});
