import { describeStreamSlots } from '@tocsin/contracts/testing';
import { MemoryStreamSlots } from './stream-slots.memory';

describeStreamSlots('MemoryStreamSlots', {
  open() {
    const slots = new MemoryStreamSlots();
    return Promise.resolve({ gateways: [slots, slots], close: () => Promise.resolve() });
  },
});
