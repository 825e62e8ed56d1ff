import type { Channel } from './deliveries';

/** A service that a gateway needs, as it last found it. */
export interface DependencyState {
  /** The technology: `postgres`, `rabbitmq`, `redis`. */
  name: string;
  /** `unknown` until the first check. */
  status: 'up' | 'down' | 'unknown';
  /** Whether the gateway is unhealthy without it. */
  critical: boolean;
  /** The time of the last change of the status. */
  since: string;
}

/** The deliveries of a channel that are due now. */
export interface DueDeliveries {
  channel: Channel;
  due: number;
  /** When the oldest of them was due; null when none is. */
  oldest_due_at: string | null;
}

/**
 * How long alerts took from received to written to the streams of this gateway, of a sample of those that it sent as
 * they came, in the last `window_seconds`. The clocks are those of the database and of the gateway.
 */
export interface RecentDelivery {
  window_seconds: number;
  /** How many were measured: at least 1. */
  samples: number;
  p50_ms: number;
  p99_ms: number;
}

/** The open streams of the users with one name. */
export interface UserStreams {
  user_id: string;
  streams: number;
}

/** How the gateway that answers sees the system. Null means that it is not known. */
export interface SystemHealth {
  as_of: string;
  version: string;
  started_at: string;
  /** Why this gateway takes no new clients, such as `draining` or `full`; null: it takes them. */
  not_ready: string | null;
  dependencies: DependencyState[];
  /** The streams of this gateway alone. */
  streams: number;
  /** How many of them were closed since its start because their clients read too slowly. */
  closed_slow: number;
  /** The tenants of these streams. */
  tenants: number;
  /** The users with the most streams of this gateway within the reach of the operator: 10 at most, the most first. */
  users: UserStreams[];
  /** Null: this gateway sent no alert in that time. */
  delivery: RecentDelivery | null;
  /** When this gateway last sent an entry of any of these tenants; null: it has sent none to them. */
  last_entry_at: string | null;
  /** How many dead letters wait for a decision, within the reach of the operator; null: not known. */
  dead_letters: number | null;
  /** Every channel, in the order of `CHANNELS`; null: not known. */
  deliveries: DueDeliveries[] | null;
}
