/** Why messages were not accepted. */
export type Trouble =
  /** A dependency is away for now: the same messages may be sent again under their ids. */
  | { kind: 'away'; sentence: string }
  /** The messages or their sender are at fault: sending them again changes nothing. Lines for a person. */
  | { kind: 'refused'; lines: readonly string[] };

/** The result of publishing messages. */
export interface Answer {
  /** The ids of the messages that are durably queued, in their order. */
  accepted: readonly string[];
  /** Why the other messages are not queued; undefined when all are. */
  trouble?: Trouble;
  /** The time from the first byte sent to the last byte read, in milliseconds. */
  tookMs: number;
}

/** Publishes alerts for the command line, over HTTP or AMQP. */
export interface AlertDoor {
  /** The address, for a person: without a user or a password. */
  readonly address: string;
  /** The word for an accepted message: `202` or `confirmed`. */
  readonly accepts: string;
  /**
   * Publishes messages, at most 500, each a JSON value that need not be valid. Bounded in time (10 s). Rejects with
   * `ConfigurationError` when there is no secret to sign a token with.
   */
  publish(messages: readonly unknown[]): Promise<Answer>;
  /** Aborts requests in progress. May be called twice. */
  close(): Promise<void>;
}

/** How many messages one `publish` takes: the gateway's limit for one request. */
export const MAX_BATCH = 500;
