/** Why messages were not accepted. */
export type Trouble =
  /** The world's fault, for now: the same messages may be sent again under their ids. */
  | { kind: 'away'; sentence: string }
  /** These messages' fault, or their sender's: sending them again changes nothing. Lines for a person. */
  | { kind: 'refused'; lines: readonly string[] };

/** What became of messages. */
export interface Answer {
  /** The ids of those that are durably queued, in their order. */
  accepted: readonly string[];
  /** Why the others are not; undefined when there are no others. */
  trouble?: Trouble;
  /** From the first byte sent to the last one read. */
  tookMs: number;
}

/** A way in for alerts, as the command line uses it. */
export interface AlertDoor {
  /** Where it is, for a person: without a user or a password. */
  readonly address: string;
  /** What it says of a message that it has accepted: `202` or `confirmed`. */
  readonly accepts: string;
  /**
   * Hands over messages, at most 500, each a JSON value that need not be valid. Bounded in
   * time (10 s). Rejects with `ConfigurationError` when there is nothing to sign a token with.
   */
  publish(messages: readonly unknown[]): Promise<Answer>;
  /** Gives up what is under way. May be called twice. */
  close(): Promise<void>;
}

/** The most that one `publish` takes: what the gateway accepts in one request. */
export const MAX_BATCH = 500;
