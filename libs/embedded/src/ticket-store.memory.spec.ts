import { describeTicketStore } from '@tocsin/contracts/testing';
import { MemoryTicketStore } from './ticket-store.memory';

describeTicketStore('MemoryTicketStore', {
  open: () => Promise.resolve({ tickets: new MemoryTicketStore(), close: () => Promise.resolve() }),
});
