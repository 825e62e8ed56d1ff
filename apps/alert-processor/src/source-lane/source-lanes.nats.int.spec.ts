import { describeWithNats, OwnNats } from '@tocsin/nats/testing';
import { describeSourceLanes } from './testing/source-lanes.contract';

describeWithNats('the lanes on NATS', () => {
  describeSourceLanes('NATS JetStream', {
    async open() {
      const nats = await OwnNats.open();
      return { intake: nats.intake, source: async () => nats.source(), close: () => nats.close() };
    },
  });
});
