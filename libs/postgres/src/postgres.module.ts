import {
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ConfigurationError } from '@tocsin/settings';
import type { Folding } from '@tocsin/contracts';
import {
  AccessChanges,
  AlertActs,
  AlertQueries,
  bind,
  DeadLetters,
  DeliveryQueue,
  Deliveries,
  EventLog,
  HintKey,
  LinkKey,
  LogRetention,
  Notifications,
  PhoneDeliveries,
  ProcessDirectory,
  PushSubscriptions,
  Receipts,
  RecipientBook,
  SeenPositions,
  SessionStore,
  Unsubscribes,
  WebhookEndpoints,
} from '@tocsin/contracts/ports';
import { Health, Log, Metrics, ThisProcess } from '@tocsin/observability';
import { PostgresAccessChanges } from './access-changes.postgres';
import { PostgresAlertActs } from './alert-acts.postgres';
import { PostgresAlertQueries } from './alert-queries.postgres';
import { Database, type DatabaseOptions } from './database';
import { PostgresDeadLetters } from './dead-letters.postgres';
import { PostgresDeliveryQueue } from './delivery-queue.postgres';
import { PostgresDeliveries } from './deliveries.postgres';
import { PostgresEventLog } from './event-log.postgres';
import { ReplicaEventLog } from './event-log.replica';
import { PostgresHintKey } from './hint-key.postgres';
import { PostgresLinkKey } from './link-key.postgres';
import { PostgresLogRetention } from './log-retention.postgres';
import { PostgresNotifications } from './notifications.postgres';
import { PostgresPhoneDeliveries } from './phone-deliveries.postgres';
import { ProcessAnnouncements } from './process-announcements';
import { PostgresProcessDirectory } from './process-directory.postgres';
import { PostgresPushSubscriptions } from './push-subscriptions.postgres';
import { PostgresReceipts } from './receipts.postgres';
import { PostgresRecipientBook } from './recipient-book.postgres';
import { SchemaCheck } from './schema-check';
import { PostgresSeenPositions } from './seen-positions.postgres';
import { PostgresSessionStore } from './session-store.postgres';
import { PostgresUnsubscribes } from './unsubscribes.postgres';
import { PostgresWebhookEndpoints } from './webhook-endpoints.postgres';

interface PostgresOptions extends DatabaseOptions {
  /** When the event log of a processor starts to fold repeats; default after 10 repeats in 10 s. */
  folding?: Folding;
  /** The key of webhook secrets and headers; default the one that the database keeps. */
  webhookKey?: string | undefined;
  /** The address of a replica, for long reads of the event log. Default none. */
  replicaUrl?: string | undefined;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/** The pool of the replica, where there is one. */
class Replica {
  constructor(readonly database: Database | undefined) {}
}

/**
 * The pool, the event log, acts on alerts, dead letters and revocations. Nothing is opened before the first use; the
 * pool closes last, after all modules that use it. While the app runs, it is listed in `ProcessDirectory`.
 */
@Module({})
export class PostgresModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private looked: Promise<void> | undefined;
  private warned = false;

  constructor(
    private readonly database: Database,
    private readonly schema: SchemaCheck,
    private readonly replica: Replica,
    private readonly log: Log,
    private readonly announcements: ProcessAnnouncements,
    health: Health,
    metrics: Metrics,
  ) {
    health.add(
      'postgres',
      async () => {
        await this.passSchema();
        await database.check();
      },
      { critical: true },
    );
    metrics.pools.observe(() => database.connections());
  }

  static forRoot({ observability, folding, webhookKey, replicaUrl, ...options }: PostgresOptions): DynamicModule {
    return {
      module: PostgresModule,
      imports: [observability],
      providers: [
        { provide: Database, useFactory: () => new Database(options) },
        {
          provide: Replica,
          useFactory: () =>
            new Replica(replicaUrl ? new Database({ ...options, connection: { url: replicaUrl } }) : undefined),
        },
        { provide: SchemaCheck, useFactory: () => new SchemaCheck(options.connection) },
        {
          provide: EventLog,
          useFactory: (database: Database, replica: Replica, log: Log) => {
            const primary = new PostgresEventLog(database, folding);
            return replica.database
              ? new ReplicaEventLog(primary, new PostgresEventLog(replica.database), (error) =>
                  log.warn({ err: error }, 'the replica is away: the log is read from the primary'),
                )
              : primary;
          },
          inject: [Database, Replica, Log],
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
        bind(PhoneDeliveries, PostgresPhoneDeliveries, Database),
        bind(ProcessDirectory, PostgresProcessDirectory, Database),
        bind(ProcessAnnouncements, ProcessAnnouncements, ProcessDirectory, ThisProcess),
        bind(PushSubscriptions, PostgresPushSubscriptions, Database),
        bind(Receipts, PostgresReceipts, Database),
        bind(RecipientBook, PostgresRecipientBook, Database),
        bind(SeenPositions, PostgresSeenPositions, Database),
        bind(SessionStore, PostgresSessionStore, Database),
        bind(Unsubscribes, PostgresUnsubscribes, Database),
        {
          provide: WebhookEndpoints,
          useFactory: (database: Database) => new PostgresWebhookEndpoints(database, webhookKey),
          inject: [Database],
        },
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
        PhoneDeliveries,
        ProcessDirectory,
        PushSubscriptions,
        Receipts,
        RecipientBook,
        SeenPositions,
        SessionStore,
        Unsubscribes,
        WebhookEndpoints,
      ],
    };
  }

  /**
   * Looks once whether the database is migrated, before anything else uses it: otherwise the first lines of the log
   * would be the stacks of those who do. Throws `ConfigurationError` when it is not; a database that is away is waited
   * for later.
   */
  onModuleInit(): Promise<void> {
    return (this.looked ??= this.look());
  }

  private async look(): Promise<void> {
    try {
      await this.passSchema();
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      this.log.warn(`${(error as Error).message}. The start waits for it (DB_READY_TIMEOUT).`);
    }
  }

  private async passSchema(): Promise<void> {
    await this.schema.pass();
    if (this.schema.warning && !this.warned) this.log.warn(this.schema.warning);
    this.warned = true;
  }

  onApplicationBootstrap(): void {
    this.announcements.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.announcements.stop();
    await Promise.all([this.database.close(), this.replica.database?.close()]);
  }
}
