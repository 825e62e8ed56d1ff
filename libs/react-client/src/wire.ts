// The types that travel, for whoever uses the package: `import type { Alert } from '@tocsin/react-client'`.
export {
  ACTS, ALERT_ORDERS, ALERT_STATUSES, ALERT_TYPES, SEVERITIES,
  type Act, type Alert, type AlertAct, type AlertAction, type AlertFacets, type AlertFilter, type AlertMessageBody, type AlertOrder, type AlertPage, type AlertPlace, type AlertSearch,
  type AlertStats, type AlertStatus, type AlertType, type BulkActed, type Change, type CloseFrame, type ConnectionFrame, type Entry, type EntryPage,
  type GapReason, type HeartbeatFrame, type Problem, type ResetFrame, type SeenCursor, type Severity, type TenantVerdict, type TenantsPage,
} from '@tocsin/contracts/wire';
