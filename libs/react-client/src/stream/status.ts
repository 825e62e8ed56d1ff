import type { GapReason, TenantVerdict } from '@tocsin/contracts/wire';

/** What a stream is doing. Before `open` and after `close` it is `closed`. */
export const STREAM_STATES = [
  'closed',
  'connecting', // the first attempt is under way
  'catching_up', // connected; missed entries are being replayed
  'live', // connected, up to date with the event log, and heard from within two and a half heartbeats
  'stale', // the connection looks open but is silent; the server cannot reach its event log; or this client is too slow
  'reconnecting', // waiting for the next attempt, or in it
  'offline', // the browser reports that there is no network; the stream comes back by itself
  'signed_out', // the credential was refused, and so was its renewal: `reconnect` asks for one again
  'forbidden', // the credential is valid but does not allow this, or the access was revoked: `detail` says what
] as const;
export type StreamState = (typeof STREAM_STATES)[number];

/** Entries that this stream can never send: load the list instead. */
export interface Gap {
  /** How many entries were missed, of all tenants together; null when that cannot be known. */
  missed: number | null;
  tenants: readonly { tenant_id: string; missed: number | null; reason: GapReason | null }[];
}

/**
 * An immutable snapshot of a stream: a new object whenever a value in it changes. Times are `Date.now()` of this
 * machine.
 */
export interface StreamStatus {
  state: StreamState;
  /** When the stream entered this state. */
  since: number;
  /**
   * The reason of the state; null when the stream is healthy. It is a close reason or an error code of the gateway,
   * `http_<status>`, `network`, `silent`, `not_a_stream`, `no_credential` or `log_unchecked`.
   */
  reason: string | null;
  /** The gateway's own sentence about the reason, if it gave one. */
  detail: string | null;
  /** With `reconnecting`: when the next attempt is made; null while it is being made. */
  retryAt: number | null;
  /**
   * With `catching_up`: how many entries of the event log are still to come; entries that the filter leaves out count
   * too.
   */
  left: number;
  /** When the last frame came from the server, heartbeats included; null before the first. */
  lastHeardAt: number | null;
  /**
   * Until when the stream has told everything: until the last frame, or as long as the server cannot reach its event
   * log, until it last checked that. What a page shows is as of then. Null before the stream was first live.
   */
  knownUntil: number | null;
  heartbeatMs: number;
  /** How many times the server resumed the stream at its position. */
  resumed: number;
  /** The tenants whose entries the stream tells. The user may not, or no longer, see a tenant that is missing here. */
  tenants: readonly TenantVerdict[];
  /** The entries that were missed for good; kept until `dismissGap`. */
  gap: Gap | null;
  /** The server's clock minus ours, in milliseconds. */
  clockOffsetMs: number;
  /** Whether this tab has the connection that the browser's tabs share. True for a tab that shares with no other. */
  isLeader: boolean;
}

export const CLOSED: StreamStatus = Object.freeze({
  state: 'closed',
  since: 0,
  reason: null,
  detail: null,
  retryAt: null,
  left: 0,
  lastHeardAt: null,
  knownUntil: null,
  heartbeatMs: 15_000,
  resumed: 0,
  tenants: [],
  gap: null,
  clockOffsetMs: 0,
  isLeader: false,
});
