import { Inbox, InboxIntake, InboxSource } from '@tocsin/postgres';
import { freshDatabase } from '@tocsin/postgres/testing';
import { describeSourceLanes } from './testing/source-lanes.contract';

describeSourceLanes('the inbox', {
  async open() {
    const fresh = await freshDatabase();
    const database = fresh.open('tocsin_standalone');
    const inbox = new Inbox(database);
    const sources: InboxSource[] = [];
    return {
      intake: new InboxIntake(inbox),
      async source() {
        const source = new InboxSource(inbox);
        sources.push(source);
        return source;
      },
      async close() {
        await Promise.all(sources.map((source) => source.stop()));
        await database.close();
        await fresh.drop();
      },
    };
  },
});
