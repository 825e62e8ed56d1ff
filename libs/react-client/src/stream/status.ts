import type { GapReason, TenantVerdict } from '@tocsin/contracts/wire';

/** What a stream is doing. The first it is in before `open`, and after `close`. */
export const STREAM_STATES = [
  'closed',
  'connecting', // the first attempt is under way
  'catching_up', // connected; what was missed is being told
  'live', // connected, level with the log, and heard within two and a half heartbeats
  'stale', // connected as far as anybody knows, but silent; or the server itself has lost sight of its log
  'reconnecting', // waiting for the next attempt, or in it
  'offline', // the browser says that there is no network; comes back by itself
  'signed_out', // the credential was refused, and so was its renewal: `reconnect` asks for one again
  'forbidden', // the credential is good and does not allow this, or the access was revoked: `detail` says what
] as const;
export type StreamState = (typeof STREAM_STATES)[number];

/** Entries that this stream will never tell: load the list instead. */
export interface Gap {
  /** How many of all tenants together; null when that cannot be known. */
  missed: number | null;
  tenants: readonly { tenant_id: string; missed: number | null; reason: GapReason | null }[];
}

/** An immutable picture of a stream: another object whenever something in it has changed. Times are `Date.now()` of this machine. */
export interface StreamStatus {
  state: StreamState;
  /** When it came into this state. */
  since: number;
  /** Why, unless all is well: a close reason or an error code of the gateway, `http_<status>`, `network`, `silent`, `not_a_stream`, `no_credential` or `log_unchecked`. */
  reason: string | null;
  /** The gateway's own sentence about it, if it said one. */
  detail: string | null;
  /** With `reconnecting`: when the next attempt is made; null while it is being made. */
  retryAt: number | null;
  /** With `catching_up`: how many entries are yet to come, counted in the log; entries that the filter leaves out count too. */
  left: number;
  /** When the server was last heard, a heartbeat included. */
  lastHeardAt: number | null;
  heartbeatMs: number;
  /** How many times it came back to where it was. */
  resumed: number;
  /** The tenants that it tells of; one that is missing here is not, or no longer, the user's. */
  tenants: readonly TenantVerdict[];
  /** Set by a gap, kept until `dismissGap`. */
  gap: Gap | null;
  /** The server's clock less ours, in milliseconds. */
  clockOffsetMs: number;
  /** Whether this tab holds the connection that the browser's tabs share. A tab that shares with nobody does. */
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
  heartbeatMs: 15_000,
  resumed: 0,
  tenants: [],
  gap: null,
  clockOffsetMs: 0,
  isLeader: false,
});
