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

/**
 * The content of a queue. `urgent` and `common`: published messages. `suspects`: parked messages, each to be handled
 * alone. `given_up`: messages that the source gave up because they were delivered too often, to be recorded without
 * being read.
 */
export const QUEUE_KINDS = ['urgent', 'common', 'suspects', 'given_up'] as const;
export type QueueKind = (typeof QUEUE_KINDS)[number];

/** The messages of a part of the queue that no processor has settled. */
export interface QueueDepth {
  /** The name of the part in its engine. */
  queue: string;
  kind: QueueKind;
  messages: number;
  /** Whether `messages` counts those too that a processor has in hand: RabbitMQ does not say how many these are. */
  includes_in_hand: boolean;
  /**
   * When the oldest of `messages` was put there, by the clock of the engine; null: there is none, or it is not known.
   */
  oldest_at: string | null;
}

/** A process of this installation, as it announced itself. */
export interface ProcessState {
  /** `gateway`, `alert-processor`, `notifier` or `standalone`. */
  app: string;
  version: string;
  commit: string;
  started_at: string;
  /** When it was last heard of. It announces itself every 15 s. */
  heard_at: string;
}

/** Why a stream of this gateway was closed, and when. */
export interface ClosedStream {
  reason: string;
  at: string;
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

/** The open streams of a tenant. */
export interface TenantStreams {
  tenant_id: string;
  streams: number;
}

/** The limits of streams that are set; null: there is none. */
export interface StreamCaps {
  /** Of this gateway (`MAX_STREAMS`). */
  gateway: number | null;
  /** Of a user, a tenant and an address, on all gateways together. */
  user: number | null;
  tenant: number | null;
  address: number | null;
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
  /** The tenants with the most streams of this gateway: 10 at most, the most first. None that is not in reach. */
  busiest_tenants: TenantStreams[];
  limits: StreamCaps;
  /** The last streams of this gateway that were closed, the last one first: 20 at most. */
  closed: ClosedStream[];
  /** Null: this gateway sent no alert in that time. */
  delivery: RecentDelivery | null;
  /** When this gateway last sent an entry of any of these tenants; null: it has sent none to them. */
  last_entry_at: string | null;
  /** How many dead letters wait for a decision, within the reach of the operator; null: not known. */
  dead_letters: number | null;
  /** Every channel, in the order of `CHANNELS`; null: not known. */
  deliveries: DueDeliveries[] | null;
  /** Each part of the queue; null: not known. */
  queues: QueueDepth[] | null;
  /** The processes that were heard of within a day, this one included: 100 at most; null: not known. */
  processes: ProcessState[] | null;
  /** What is weak about the settings of this gateway, in English sentences, as it said at its start. */
  weaknesses: string[];
}
