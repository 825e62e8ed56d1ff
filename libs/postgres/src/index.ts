export { PostgresAccessChanges } from './access-changes.postgres';
export { PostgresAlertActs } from './alert-acts.postgres';
export { PostgresAlertQueries } from './alert-queries.postgres';
export { InboxSource } from './alert-source.postgres';
export type { DatabaseConnection } from './connection';
export { Database, type CallOptions, type DatabaseOptions } from './database';
export { PostgresDeadLetters } from './dead-letters.postgres';
export { PostgresDeliveryQueue } from './delivery-queue.postgres';
export { PostgresDeliveries } from './deliveries.postgres';
export { PostgresEventLog } from './event-log.postgres';
export { ReplicaEventLog } from './event-log.replica';
export { Inbox, InboxIntake, InboxRawIntake } from './inbox.postgres';
export { PostgresLogRetention } from './log-retention.postgres';
export { PostgresMemberships, type Member } from './memberships.postgres';
export { functionFiles, migrate, type MigrateOptions, type MigrationReport } from './migrate';
export { migrationState, type MigrationState } from './migration-state';
export { stepsOf, type MigrationStep } from './migration-steps';
export { PostgresNotifications } from './notifications.postgres';
export { PostgresPhoneDeliveries } from './phone-deliveries.postgres';
export { PostgresPushSubscriptions } from './push-subscriptions.postgres';
export { InboxModule, PostgresBusModule, PostgresSessionModule, SharedInboxModule } from './postgres-alone.module';
export { PostgresModule } from './postgres.module';
export { PostgresProcessDirectory } from './process-directory.postgres';
export { PostgresQueueDepths } from './queue-depths.postgres';
export { PostgresReceipts } from './receipts.postgres';
export { PostgresRecipientBook } from './recipient-book.postgres';
export { PostgresSeenPositions } from './seen-positions.postgres';
export { ROLES, type Role } from './roles';
export {
  databaseConnectionOf,
  databaseUrlOf,
  listeningConnectionOf,
  migrationProblems,
  migrationUrlOf,
  postgresSettings,
  replicaSettings,
  webhookKeySettings,
} from './settings';
export { PostgresTenantDirectory } from './tenant-directory.postgres';
export { PostgresTicketStore } from './ticket-store.postgres';
export { PostgresUnsubscribes } from './unsubscribes.postgres';
export { PostgresLinkKey } from './link-key.postgres';
export { PostgresWebhookEndpoints } from './webhook-endpoints.postgres';
