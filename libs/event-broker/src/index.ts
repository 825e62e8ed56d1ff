export { BrokerError, type BrokerErrorCode } from './broker-error';
export type { BrokerMetrics } from './broker-metrics';
export { getDefaultBroker, initialize, isInitialized, registerShutdown, setDefaultBroker } from './default-broker';
export type { EventHandler, HandlerContext, HandlerFailure } from './delivery';
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
export {
  EventBroker,
  type BrokerStats,
  type BrokerStopped,
  type EventBrokerOptions,
  type ProcessingMode,
  type PublishResult,
  type Replay,
  type SubscribeOptions,
} from './event-broker';
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
export type { Upcasters } from './upcasters';
export { raiseAlerts, type AlertRule, type PublishesAlerts } from './alert-rules';
