import { type DynamicModule, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Folding } from '@tocsin/contracts';
import {
  AccessChanges,
  AlertActs,
  AlertIntake,
  AlertQueries,
  AlertSource,
  bind,
  DeadLetters,
  DeliveryQueue,
  Deliveries,
  EventLog,
  HintKey,
  LinkKey,
  LogRetention,
  Notifications,
  RawIntake,
  Receipts,
  RecipientBook,
  SeenPositions,
  Unsubscribes,
} from '@tocsin/contracts/ports';
import { Health, Metrics } from '@tocsin/observability';
import { PostgresAccessChanges } from './access-changes.postgres';
import { PostgresAlertActs } from './alert-acts.postgres';
import { InboxSource } from './alert-source.postgres';
import { PostgresAlertQueries } from './alert-queries.postgres';
import { Database, type DatabaseOptions } from './database';
import { PostgresDeadLetters } from './dead-letters.postgres';
import { PostgresDeliveryQueue } from './delivery-queue.postgres';
import { PostgresDeliveries } from './deliveries.postgres';
import { PostgresEventLog } from './event-log.postgres';
import { Inbox, InboxIntake, InboxRawIntake } from './inbox.postgres';
import { PostgresHintKey } from './hint-key.postgres';
import { PostgresLinkKey } from './link-key.postgres';
import { PostgresLogRetention } from './log-retention.postgres';
import { PostgresNotifications } from './notifications.postgres';
import { PostgresReceipts } from './receipts.postgres';
import { PostgresRecipientBook } from './recipient-book.postgres';
import { PostgresSeenPositions } from './seen-positions.postgres';
import { PostgresUnsubscribes } from './unsubscribes.postgres';

interface PostgresOptions extends DatabaseOptions {
  /** When the event log of a processor starts to fold repeats; default after 10 repeats in 10 s. */
  folding?: Folding;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/**
 * The pool, the event log, acts on alerts, dead letters and revocations. Nothing is opened before the first use; the
 * pool closes last, after all modules that use it.
 */
@Module({})
export class PostgresModule implements OnApplicationShutdown {
  constructor(
    private readonly database: Database,
    health: Health,
    metrics: Metrics,
  ) {
    health.add('postgres', () => database.check(), { critical: true });
    metrics.observePool(() => database.connections());
  }

  static forRoot({ observability, folding, ...options }: PostgresOptions): DynamicModule {
    return {
      module: PostgresModule,
      imports: [observability],
      providers: [
        { provide: Database, useFactory: () => new Database(options) },
        {
          provide: EventLog,
          useFactory: (database: Database) => new PostgresEventLog(database, folding),
          inject: [Database],
        },
        bind(AccessChanges, PostgresAccessChanges, Database),
        bind(AlertActs, PostgresAlertActs, Database),
        bind(AlertQueries, PostgresAlertQueries, Database),
        bind(DeadLetters, PostgresDeadLetters, Database),
        bind(DeliveryQueue, PostgresDeliveryQueue, Database),
        bind(Deliveries, PostgresDeliveries, Database),
        bind(LogRetention, PostgresLogRetention, Database),
        bind(HintKey, PostgresHintKey, Database),
        bind(Notifications, PostgresNotifications, Database),
        bind(LinkKey, PostgresLinkKey, Database),
        bind(Receipts, PostgresReceipts, Database),
        bind(RecipientBook, PostgresRecipientBook, Database),
        bind(SeenPositions, PostgresSeenPositions, Database),
        bind(Unsubscribes, PostgresUnsubscribes, Database),
      ],
      exports: [
        Database,
        EventLog,
        AccessChanges,
        AlertActs,
        AlertQueries,
        DeadLetters,
        DeliveryQueue,
        Deliveries,
        HintKey,
        LinkKey,
        LogRetention,
        Notifications,
        Receipts,
        RecipientBook,
        SeenPositions,
        Unsubscribes,
      ],
    };
  }

  onApplicationShutdown(): Promise<void> {
    return this.database.close();
  }
}

/** The embedded queue on the pool of a `PostgresModule`. Pass the same module object that all other modules import. */
@Module({})
export class InboxModule {
  static forRoot(postgres: DynamicModule): DynamicModule {
    return {
      module: InboxModule,
      imports: [postgres],
      providers: [
        bind(Inbox, Inbox, Database),
        bind(AlertIntake, InboxIntake, Inbox),
        bind(AlertSource, InboxSource, Inbox),
        bind(RawIntake, InboxRawIntake, Inbox),
      ],
      exports: [AlertIntake, AlertSource, RawIntake],
    };
  }
}
