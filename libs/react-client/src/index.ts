// The public API of the package: everything of the core, and the React hooks and components.
export * from './core';
export { AlertStreamProvider, type AlertStreamProviderProps } from './react/provider';
export {
  useAct,
  useAlert,
  useIsMissing,
  useAlerts,
  useAlertsApi,
  useAlertStream,
  useAlertStore,
  useConnectionStatus,
  type AlertsView,
  type Acting,
} from './react/hooks';
export { usePush, type Push } from './react/use-push';
export { AlertInbox, type AlertInboxProps } from './inbox/alert-inbox';
export { ENGLISH, type InboxWords } from './inbox/inbox-words';
