/** The messages to a crowd's process and its answers: one object for each message, over the IPC of `fork`. */
export interface Member {
  user: string;
  /** The one tenant that the member follows. */
  tenant: string;
  token: string;
}

export type Order =
  | { kind: 'open'; members: readonly Member[]; urls: readonly string[]; connectsPerSecond: number }
  /** Replaces the gateways' addresses. */
  | { kind: 'urls'; urls: readonly string[] }
  /** Restarts the measurement of latencies and times. */
  | { kind: 'mark' }
  /** Ends every member's connection at once, as if a proxy in between were restarted. */
  | { kind: 'cut' }
  | { kind: 'report'; id: number };

/** One member's contiguous run of its tenant's log, with a digest of its positions. */
export interface MemberRun {
  user: string;
  tenant: string;
  /** The member has every entry after this number … */
  from: number;
  /** … up to this number. */
  to: number;
  /** The sum of `digestOf` over the positions in between. */
  digest: number;
  connected: boolean;
}

export interface CrowdReport {
  runs: MemberRun[];
  /** The violations that members saw: the ledger's names, one line each, the first hundred. */
  broken: string[];
  /** The attempted connections, by outcome: a status, or an error's code. */
  attempts: Record<string, number>;
  verdicts: Record<string, number>;
  closeReasons: Record<string, number>;
  /** The times between the end of a stream and the `connection` of the next one, in milliseconds. */
  absencesMs: number[];
  /**
   * The times from a request to the stream's first frame, `connection` or `close`, since the last mark, in
   * milliseconds.
   */
  answeredMs: number[];
  /**
   * The times when connections were attempted and when streams ended, since the last mark: milliseconds of the wall
   * clock.
   */
  triedAtMs: number[];
  endedAtMs: number[];
  /**
   * The times from publishing to receiving, since the last mark: of members that never lost a stream, and of the
   * others.
   */
  steadyMs: number[];
  returnedMs: number[];
}

/** A position as a number (FNV-1a, 32 bits). Members that received the same run have the same sum. */
export function digestOf(position: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < position.length; i += 1) hash = Math.imul(hash ^ position.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
