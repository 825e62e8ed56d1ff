import { describeDeliveryQueue } from '@tocsin/contracts/testing';
import { freshDatabase, openDeliveryQueue } from './testing';

describeDeliveryQueue('PostgreSQL', {
  async open() {
    const fresh = await freshDatabase();
    const opened = openDeliveryQueue(
      { url: fresh.url },
      { notifier: 'tocsin_notifier', processor: 'tocsin_processor', gateway: 'tocsin_gateway' },
    );
    return {
      ...opened,
      async close() {
        await opened.close();
        await fresh.drop();
      },
    };
  },
});
