import { describeIsolation, freshDatabase } from './testing';

describeIsolation('PostgreSQL', {
  async open() {
    const { url, drop } = await freshDatabase();
    return { connection: { url }, close: drop };
  },
});
