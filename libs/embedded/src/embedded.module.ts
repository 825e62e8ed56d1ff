import { Module, type DynamicModule } from '@nestjs/common';
import { bind, EventBus, StreamSlots, TicketStore } from '@tocsin/contracts/ports';
import { MemoryEventBus } from './event-bus.memory';
import { MemoryStreamSlots } from './stream-slots.memory';
import { MemoryTicketStore } from './ticket-store.memory';

/** What stands in for Redis inside one process. */
@Module({})
export class EmbeddedModule {
  static forRoot(): DynamicModule {
    return {
      module: EmbeddedModule,
      providers: [
        bind(EventBus, MemoryEventBus),
        bind(StreamSlots, MemoryStreamSlots),
        bind(TicketStore, MemoryTicketStore),
      ],
      exports: [EventBus, StreamSlots, TicketStore],
    };
  }
}
