/**
 * The SSE event names. Frontends of the original system listen to `inventory_alert` and `notification`, and together
 * the two carry every alert. No event is called `error` or `open`: those names are EventSource's own.
 */
export const STREAM_EVENTS = [
  'connection',
  'inventory_alert',
  'notification',
  'alert_update',
  'heartbeat',
  'reset',
  'close',
] as const;
export type StreamEvent = (typeof STREAM_EVENTS)[number];
/** The three events that carry an entry. */
export type EntryEvent = Extract<StreamEvent, 'inventory_alert' | 'notification' | 'alert_update'>;

/** Whether a stream continues where its client stopped. `gap`: entries were missed or may have been missed. */
export const VERDICTS = ['fresh', 'resumed', 'gap'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Why a stream could not resume a tenant. */
export const GAP_REASONS = [
  'malformed_cursor', // it is not a cursor of Tocsin's, or longer than one can be
  'foreign_cursor', // it names other tenants than this stream's
  'history_replaced', // the event log is not the one that the cursor was made from: it was restored or recreated
  'window_exceeded', // the client missed, or fell behind by, more entries than one stream replays
  'retention', // the entries after it are deleted
] as const;
export type GapReason = (typeof GAP_REASONS)[number];

export interface ConnectionFrame {
  /** The worst of the tenants' verdicts. */
  verdict: Verdict;
  tenants: TenantVerdict[];
  heartbeat_ms: number;
  server_time: string;
}

export interface TenantVerdict {
  tenant_id: string;
  name: string;
  verdict: Verdict;
  /** How many entries were missed for good; null when that cannot be known. 0 unless the verdict is `gap`. */
  missed: number | null;
  reason: GapReason | null;
  /**
   * How many entries are replayed before the stream is live. From a cursor or a time, entries that the filter leaves
   * out count too.
   */
  behind: number;
  /**
   * With `?since=N`, when fewer than N entries were found that pass the filter and older ones may pass too: how many of
   * the newest entries were searched. Else null.
   */
  searched: number | null;
}

export interface HeartbeatFrame {
  server_time: string;
  /**
   * When the stream was last known to be current, apart from what is `behind`: the positions of its tenants in the
   * event log were confirmed, and the client kept up with them.
   */
  checked_at: string;
}

export interface ResetFrame {
  tenant_id: string;
  reason: GapReason;
  /** The address from which the client loads the present state. */
  snapshot: string;
}

/** What a client should do after a `close` frame. */
export const CLOSE_ACTIONS = ['reauthenticate', 'reconnect', 'stop'] as const;
export type CloseAction = (typeof CLOSE_ACTIONS)[number];

/** Why a stream ended or was refused for now, and what its client should do then. */
export const CLOSE_REASONS = {
  token_expired: 'reauthenticate',
  revoked: 'stop',
  rotated: 'reconnect',
  slow: 'reconnect',
  draining: 'reconnect',
  at_capacity: 'reconnect',
  too_many_streams: 'reconnect',
  rate_limited: 'reconnect',
  store_unavailable: 'reconnect',
  tenant_service_unavailable: 'reconnect',
  identity_provider_unavailable: 'reconnect',
  operator_check_unavailable: 'reconnect',
} as const satisfies Record<string, CloseAction>;
export type CloseReason = keyof typeof CLOSE_REASONS;

export interface CloseFrame {
  reason: CloseReason;
  action: CloseAction;
  /** How long the client should wait before it reconnects, in milliseconds. */
  retry_ms: number;
}
