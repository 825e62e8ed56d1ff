export { MemoryDoorbell } from './doorbell.memory';
export { EmbeddedModule } from './embedded.module';
export { MemoryEventBus } from './event-bus.memory';
export { openPglite, type EmbeddedDatabase } from './pglite';
export { MemoryStreamSlots } from './stream-slots.memory';
export { MemoryTicketStore } from './ticket-store.memory';
