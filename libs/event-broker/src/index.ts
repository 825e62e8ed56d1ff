export { BrokerError, type BrokerErrorCode } from './broker-error';
export type { BrokerMetrics } from './broker-metrics';
export type { EventBrokerOptions, ProcessingMode } from './broker-options';
export { getDefaultBroker, initialize, isInitialized, registerShutdown, setDefaultBroker } from './default-broker';
export type { HandlerFailure } from './delivery';
export {
  cloneEvent,
  EVENT_SOURCES,
  EVENT_STATUSES,
  eventType,
  newEvent,
  validateEvent,
  type BrokerEvent,
  type EventDraft,
  type EventSource,
  type EventStatus,
} from './event';
export { EventBroker, type BrokerStats, type Replay } from './event-broker';
export type { BrokerStopped, PublishResult } from './event-handling';
export {
  EventProvider,
  type EventFilter,
  type ProviderStats,
  type StatusChange,
  type StreamRequest,
  type TransactionClient,
} from './event-provider';
export { PatternTrie } from './pattern-trie';
export { MemoryProvider, type MemoryProviderOptions } from './providers/memory-provider';
export { DEFAULT_RETRY_POLICY, type RetryPolicy } from './retry-policy';
export type { EventHandler, HandlerContext, SubscribeOptions } from './subscriptions';
export type { Upcasters } from './upcasters';
export { raiseAlerts, type AlertRule, type PublishesAlerts } from './alert-rules';
