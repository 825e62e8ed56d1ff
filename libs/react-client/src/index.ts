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
export { useUnseen, type Unseen } from './react/use-unseen';
export { useAlertHistory, type AlertHistory } from './react/use-alert-history';
export { usePush, type Push } from './react/use-push';
export { AlertInbox, type AlertInboxProps } from './inbox/alert-inbox';
export { INBOX_TABS, SNOOZES, type InboxTab, type InboxWords, type SnoozeChoice } from './inbox/inbox-words';
export { ENGLISH } from './inbox/english';
export { SPANISH } from './inbox/spanish';
