import { Module, type DynamicModule } from '@nestjs/common';
import { bind, Doorbell, EventBus, StreamSlots, TicketStore } from '@tocsin/contracts/ports';
import { MemoryDoorbell } from './doorbell.memory';
import { MemoryEventBus } from './event-bus.memory';
import { MemoryStreamSlots } from './stream-slots.memory';
import { MemoryTicketStore } from './ticket-store.memory';

/** The adapters that replace Redis inside one process. */
@Module({})
export class EmbeddedModule {
  static forRoot(): DynamicModule {
    return {
      module: EmbeddedModule,
      providers: [
        bind(Doorbell, MemoryDoorbell),
        bind(EventBus, MemoryEventBus),
        bind(StreamSlots, MemoryStreamSlots),
        bind(TicketStore, MemoryTicketStore),
      ],
      exports: [Doorbell, EventBus, StreamSlots, TicketStore],
    };
  }
}
