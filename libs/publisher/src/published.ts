// What the package `@tocsin/publisher` offers to other services. Everything else in this folder is for Tocsin's own
// adapters and may change with any commit.
export { ALERTS_EXCHANGE, AlertPublisher, type AlertPublisherOptions, type PublishOptions } from './alert-publisher';
export { BrokerUnavailable, type BrokerObstacle } from './broker-unavailable';
export type { PublishFailure, PublishOutcome } from './confirming-publisher';
export { enqueue, outboxTable, type OutboxClient } from './outbox';
export {
  OutboxRelay,
  type OutboxPool,
  type OutboxPoolClient,
  type OutboxRelayOptions,
  type OutboxTrouble,
} from './outbox-relay';
export type {
  AlertAction,
  AlertMessageBody,
  AlertType,
  Channel,
  MessageStatus,
  Severity,
} from '@tocsin/contracts/wire';
