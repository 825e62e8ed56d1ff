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
  /** When this gateway last sent an entry of any of these tenants; null: it has sent none to them. */
  last_entry_at: string | null;
  /** How many dead letters wait for a decision, within the reach of the operator; null: not known. */
  dead_letters: number | null;
  /** Every channel, in the order of `CHANNELS`; null: not known. */
  deliveries: DueDeliveries[] | null;
}
