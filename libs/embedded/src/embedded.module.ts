import { Module, type DynamicModule } from '@nestjs/common';
import { bind, Doorbell, EventBus, StreamSlots, TicketStore } from '@tocsin/contracts/ports';
import { Metrics } from '@tocsin/observability';
import { MemoryDoorbell } from './doorbell.memory';
import { MemoryEventBus } from './event-bus.memory';
import { MemoryStreamSlots } from './stream-slots.memory';
import { MemoryTicketStore } from './ticket-store.memory';

/** The adapters that replace Redis inside one process. */
@Module({})
export class EmbeddedModule {
  constructor(metrics: Metrics) {
    metrics.busUp.set(1); // within a process nothing keeps a hint from arriving
  }

  static forRoot(observability: DynamicModule): DynamicModule {
    return {
      module: EmbeddedModule,
      imports: [observability],
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
