import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
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
import { Health, Log, Metrics, type CheckOptions } from '@tocsin/observability';
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

/** Rejects while the session is wanted and does not listen, with what kept it from connecting. */
const untilHeard = ({ wanted, listening, trouble }: ListeningSession): Promise<void> =>
  wanted && !listening
    ? Promise.reject(new Error('The session that listens is away.', { cause: trouble }))
    : Promise.resolve();

/** The one connection of the process that listens. */
@Module({})
export class PostgresSessionModule implements OnApplicationShutdown {
  constructor(
    private readonly session: ListeningSession,
    health: Health,
  ) {
    // alerts come later without it, and nothing is lost
    health.add('postgres_session', () => untilHeard(session), { critical: false });
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

const DOORS = [
  bind(AlertIntake, InboxIntake, Inbox),
  bind(RawIntake, InboxRawIntake, Inbox),
  bind(QueueDepths, PostgresQueueDepths, Database),
];
const PORTS = [AlertIntake, AlertSource, RawIntake, QueueDepths];

/**
 * The queue in the database, where publishers and consumers are all in this process. Pass the same module object that
 * all other modules import.
 */
@Module({})
export class InboxModule {
  static forRoot(postgres: DynamicModule): DynamicModule {
    return {
      module: InboxModule,
      imports: [postgres],
      providers: [bind(Inbox, Inbox, Database), bind(AlertSource, InboxSource, Inbox), ...DOORS],
      exports: PORTS,
    };
  }
}

interface SharedInboxOptions extends Pick<BusOptions, 'postgres' | 'session' | 'observability'> {
  /** How the queue counts in the health of the app. */
  health: CheckOptions;
}

/** The options of `forRoot`, for the module's own constructor: Nest injects by class. */
class QueueHealth {
  constructor(readonly check: CheckOptions) {}
}

/** The queue in the database, where publishers and consumers are several processes. One of them consumes. */
@Module({})
export class SharedInboxModule implements OnModuleInit {
  constructor(
    private readonly source: InboxSource,
    private readonly session: ListeningSession,
    private readonly health: Health,
    private readonly queueHealth: QueueHealth,
  ) {}

  static forRoot({ postgres, session, health, observability }: SharedInboxOptions): DynamicModule {
    return {
      module: SharedInboxModule,
      imports: [observability, postgres, session],
      providers: [
        { provide: QueueHealth, useValue: new QueueHealth(health) },
        bind(Inbox, Inbox, Database, ListeningSession),
        bind(ActiveConsumer, ActiveConsumer, ListeningSession),
        bind(InboxSource, InboxSource, Inbox, ActiveConsumer),
        { provide: AlertSource, useExisting: InboxSource },
        ...DOORS,
      ],
      exports: PORTS,
    };
  }

  onModuleInit(): void {
    // a process that waits for its turn is well
    this.health.add(
      'inbox',
      () => (this.source.wanted ? untilHeard(this.session) : Promise.resolve()),
      this.queueHealth.check,
    );
  }
}
