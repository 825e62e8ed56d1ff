import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import {
  AlertIntake,
  AlertSource,
  bind,
  Doorbell,
  EventBus,
  HintKey,
  QueueDepths,
  RawIntake,
  StreamSlots,
  TicketStore,
} from '@tocsin/contracts/ports';
import { Health, Log, Metrics } from '@tocsin/observability';
import { ActiveConsumer } from './active-consumer';
import { InboxSource } from './alert-source.postgres';
import type { DatabaseConnection } from './connection';
import { Database } from './database';
import { PostgresDoorbell } from './doorbell.postgres';
import { PostgresEventBus } from './event-bus.postgres';
import { Inbox, InboxIntake, InboxRawIntake } from './inbox.postgres';
import { ListeningSession } from './listening-session';
import { PostgresQueueDepths } from './queue-depths.postgres';
import type { Role } from './roles';
import { PostgresStreamSlots } from './stream-slots.postgres';
import { PostgresTicketStore } from './ticket-store.postgres';

/** What PostgreSQL needs to do the work of RabbitMQ or Redis. */
interface SessionOptions {
  /** The database itself, not a pooler. */
  connection: DatabaseConnection;
  role: Role;
  applicationName: string;
  /** The process's `PostgresModule.forRoot(…)`. */
  postgres: DynamicModule;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/** The one connection of the process that listens. */
@Module({})
export class PostgresSessionModule implements OnApplicationShutdown {
  constructor(
    private readonly session: ListeningSession,
    health: Health,
  ) {
    // alerts come later without it, and nothing is lost
    health.add(
      'postgres_session',
      () =>
        session.wanted && !session.listening
          ? Promise.reject(new Error('The session that listens is away.'))
          : Promise.resolve(),
      { critical: false },
    );
  }

  static forRoot({ connection, role, applicationName, postgres, observability }: SessionOptions): DynamicModule {
    return {
      module: PostgresSessionModule,
      imports: [observability, postgres],
      providers: [
        {
          provide: ListeningSession,
          useFactory: () => new ListeningSession({ connection, role, applicationName: `${applicationName} session` }),
        },
      ],
      exports: [ListeningSession],
    };
  }

  onApplicationShutdown(): Promise<void> {
    return this.session.close();
  }
}

interface BusOptions extends Pick<SessionOptions, 'postgres' | 'observability'> {
  session: DynamicModule;
  /** Signs hints. Default: the key that the system keeps. */
  hintKey?: string | undefined;
}

/** `EventBus`, `Doorbell`, `TicketStore` and `StreamSlots` on PostgreSQL. */
@Module({})
export class PostgresBusModule implements OnApplicationShutdown {
  constructor(
    private readonly bus: PostgresEventBus,
    private readonly slots: PostgresStreamSlots,
  ) {}

  static forRoot({ session, postgres, hintKey, observability }: BusOptions): DynamicModule {
    return {
      module: PostgresBusModule,
      imports: [observability, postgres, session],
      providers: [
        {
          provide: PostgresEventBus,
          useFactory: (keptKey: HintKey, database: Database, listening: ListeningSession, log: Log, metrics: Metrics) =>
            new PostgresEventBus({ hintKey, keptKey }, database, listening, log, metrics),
          inject: [HintKey, Database, ListeningSession, Log, Metrics],
        },
        { provide: EventBus, useExisting: PostgresEventBus },
        bind(Doorbell, PostgresDoorbell, Database, ListeningSession),
        bind(TicketStore, PostgresTicketStore, Database),
        {
          provide: PostgresStreamSlots,
          useFactory: (database: Database, metrics: Metrics) => new PostgresStreamSlots(database, metrics),
          inject: [Database, Metrics],
        },
        { provide: StreamSlots, useExisting: PostgresStreamSlots },
      ],
      exports: [EventBus, Doorbell, TicketStore, StreamSlots],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    this.bus.close();
    await this.slots.close();
  }
}

/**
 * The queue in the database. `session` is needed where publishers and consumers are several processes; without it all
 * are in this one. Pass the same module objects that all other modules import.
 */
@Module({})
export class InboxModule {
  static forRoot(postgres: DynamicModule, session?: DynamicModule): DynamicModule {
    return {
      module: InboxModule,
      imports: session ? [postgres, session] : [postgres],
      providers: [
        ...(session
          ? [
              bind(Inbox, Inbox, Database, ListeningSession),
              bind(ActiveConsumer, ActiveConsumer, ListeningSession),
              bind(AlertSource, InboxSource, Inbox, ActiveConsumer),
            ]
          : [bind(Inbox, Inbox, Database), bind(AlertSource, InboxSource, Inbox)]),
        bind(AlertIntake, InboxIntake, Inbox),
        bind(RawIntake, InboxRawIntake, Inbox),
        bind(QueueDepths, PostgresQueueDepths, Database),
      ],
      exports: [AlertIntake, AlertSource, RawIntake, QueueDepths],
    };
  }
}
