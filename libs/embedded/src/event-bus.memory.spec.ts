import { describeEventBus } from '@tocsin/contracts/testing';
import { MemoryEventBus } from './event-bus.memory';

describeEventBus('MemoryEventBus', {
  open: () => Promise.resolve({ bus: new MemoryEventBus(), close: () => Promise.resolve() }),
});
