import type { BrokerEvent, EventSource, EventStatus } from './event';

/** Which events `list` returns, in the order of their publication. An event must meet each condition. */
export interface EventFilter {
  source?: EventSource;
  status?: EventStatus;
  user_id?: string;
  schema?: string;
  entity?: string;
  operation?: string;
  instance_id?: string;
  /** A pattern of types. */
  pattern?: string;
  /** From this instant of `created_at`. */
  start_time?: Date;
  /** Before this instant of `created_at`. */
  end_time?: Date;
  /** Only events after the one of this id, so that pages do not shift. Throws `unknown_event` when there is none. */
  after_id?: string;
  /** Default 100. */
  limit?: number;
  /** Default 0. */
  offset?: number;
}

export interface StatusChange {
  id: string;
  status: EventStatus;
  /** Absent: the event has no error any more. */
  error?: string;
  retry_count?: number;
  /**
   * The groups that give the event up, in one step with this change. Those whose claim the claimant does not have are
   * left as they are.
   */
  given_up?: { claimant: string; groups: readonly string[] };
  /** When it happened. `processing` sets `processed_at`; `completed` and `failed` set `completed_at`. */
  at: Date;
}

export interface StreamRequest {
  /** The patterns of types to hear. A function is called again at each read, so that they may change. */
  patterns: readonly string[] | (() => readonly string[]);
  /** What was published with this origin is left out: its publisher knows it already. */
  withoutOrigin?: string;
  /** Ends the stream. */
  signal: AbortSignal;
}

/** How many abandoned claims are looked at in one step. */
export const ABANDONED_AT_ONCE = 100;

/** An event within a group of instances of which one handles each event. */
export interface AbandonedClaim {
  id: string;
  group: string;
}

export interface Claim extends AbandonedClaim {
  /** The instance. */
  claimant: string;
}

/** A connection that a transaction is open on: node-postgres's client, or TypeORM's `QueryRunner`. */
export interface TransactionClient {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

export interface ProviderStats {
  provider_type: string;
  total_events: number;
  pending_events: number;
  processing_events: number;
  completed_events: number;
  failed_events: number;
  /** By this provider object, since it was made. */
  events_published: number;
  /** By streams of this provider object, since it was made. */
  events_consumed: number;
  /** Open streams of this provider object. */
  active_subscribers: number;
  provider_specific: Record<string, unknown>;
}

/**
 * Keeps events and carries them to other instances.
 *
 * Guarantees: what `store` or `publish` resolved for can be read by `get`. An id is stored once; a repeated one is
 * ignored. A stream has each event that was published after it was opened once, in one order that all streams share,
 * also when the service was away for a while; it reads no faster than it is consumed. Driver errors are passed on.
 */
export abstract class EventProvider {
  /** Connects and makes what is missing. May be called twice. */
  abstract open(): Promise<void>;
  /** Keeps events without announcing them. */
  abstract store(events: readonly BrokerEvent[]): Promise<void> | void;
  /** Keeps events and gives them to every stream of every instance. */
  abstract publish(events: readonly BrokerEvent[], origin?: string): Promise<void> | void;
  /**
   * Publishes within the transaction that `client` has open: if it commits, all streams have the events, also those of
   * this instance; if it is rolled back, there was no event. Only a provider in a database has this.
   */
  publishWithin?(client: TransactionClient, events: readonly BrokerEvent[]): Promise<void>;
  abstract get(id: string): Promise<BrokerEvent | undefined>;
  abstract list(filter?: EventFilter): Promise<BrokerEvent[]>;
  /**
   * Later changes of the same event win, with one exception: what has `failed` keeps this status, up to
   * `completeRedriven`. Otherwise the progress of one instance would remove the dead letter of another. Changes of
   * unknown events are ignored.
   */
  abstract updateStatus(changes: readonly StatusChange[]): Promise<void> | void;
  /**
   * A dead letter was redriven and handled: it is `completed` at this instant. Ignored when the event is no longer the
   * dead letter that was read: it is none, or has failed once more since (it has another `completed_at`).
   */
  abstract completeRedriven(letter: BrokerEvent, retry_count: number, at: Date): Promise<void>;
  /** False when there is no such event. */
  abstract delete(id: string): Promise<boolean>;
  /** Ends without an error when the signal aborts or the provider closes. The stream is open once this resolves. */
  abstract stream(request: StreamRequest): Promise<AsyncIterable<BrokerEvent>>;
  /**
   * Returns whether the claimant has the event within the group. The first that claims it has it for `leaseMs`, and for
   * as long again from each further claim of its own. When that time is over, the next that claims it has it. False for
   * an event that is settled or does not exist.
   */
  abstract claim(claim: Claim, leaseMs: number): Promise<boolean>;
  /** The group is done with the event. Ignored when the claimant does not have it. */
  abstract completeClaim(claim: Claim): Promise<void>;
  /** Opens the claims that groups have given up, for an event that is redriven: the next that claims it has it. */
  abstract reopenClaims(eventId: string): Promise<void>;
  /** Claims of these groups whose time is over and that are not settled: at most 100, the oldest first. */
  abstract abandoned(groups: readonly string[]): Promise<AbandonedClaim[]>;
  abstract stats(): Promise<ProviderStats>;
  /** Ends all streams. May be called twice. */
  abstract close(): Promise<void>;
}

/** Whether the change is ignored, because the event is a dead letter. */
export const isIgnored = ({ status }: StatusChange, before: EventStatus | undefined): boolean =>
  before === 'failed' && status !== 'failed';

/** The patterns of a request as they are now. */
export const patternsOf = ({ patterns }: StreamRequest): readonly string[] =>
  typeof patterns === 'function' ? patterns() : patterns;
