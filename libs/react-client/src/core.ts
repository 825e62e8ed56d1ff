// The public API without React: a stream that reconnects, and typed calls of the REST API.
export { STREAM_STATES, type Gap, type StreamState, type StreamStatus } from './stream/status';
export type { Heard, StreamEventMap, StreamEventName, StreamListener, StreamListeners } from './stream/stream-events';
export type { AlertStreamOptions, PlaceStorage, StreamFilter, TokenWish } from './stream/options';
export { AlertStream, createAlertStream } from './alert-stream';
export { claimsOf } from './stream/credential';
export { AlertsApi } from './alerts/alerts-api';
export { ApiProblem } from './alerts/api-problem';
export { AlertStore } from './alerts/alert-store';
export type { ActOutcome, ActRefused } from './alerts/send-act';
export { alertAfter } from './alerts/alert-from-entry';
export { nameOf } from './alerts/name-of';
export { ShownReports } from './alerts/shown-reports';
export { AlertList, type AlertsShown } from './alerts/alert-list';
export {
  pushStatus,
  renewPush,
  subscribeToPush,
  unsubscribeFromPush,
  type PushOptions,
  type PushStatus,
} from './push/push-api';
export { onPushClick, type PushClick } from './push/push-click';
export { apiUrlOf } from './stream/stream-url';
export * from './wire';
