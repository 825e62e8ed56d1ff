/** What a crowd's process is told, and what it answers: one object a message, over the IPC of `fork`. */
export interface Member {
  user: string;
  /** The one tenant that it follows. */
  tenant: string;
  token: string;
}

export type Order =
  | { kind: 'open'; members: readonly Member[]; urls: readonly string[]; connectsPerSecond: number }
  /** From now on these are the gateways. */
  | { kind: 'urls'; urls: readonly string[] }
  /** From now on latencies and times are counted anew. */
  | { kind: 'mark' }
  /** Every member's connection ends at once, as if what stands between were restarted. */
  | { kind: 'cut' }
  | { kind: 'report'; id: number };

/** One member's unbroken run of its tenant's log, and what stands for the positions in it. */
export interface MemberRun {
  user: string;
  tenant: string;
  /** It has everything behind this number, … */
  from: number;
  /** … up to this one. */
  to: number;
  /** The sum of `digestOf` over the positions in between. */
  digest: number;
  connected: boolean;
}

export interface CrowdReport {
  runs: MemberRun[];
  /** What members saw that nobody should: the names of the ledger, one line each, the first hundred. */
  broken: string[];
  /** Every connection that was tried, by what came of it: a status, or an error's code. */
  attempts: Record<string, number>;
  verdicts: Record<string, number>;
  closeReasons: Record<string, number>;
  /** Between the end of a stream and the `connection` of the next, in milliseconds. */
  absencesMs: number[];
  /** From asking for a stream to its first frame, be it `connection` or `close`, since the last mark, in milliseconds. */
  answeredMs: number[];
  /** When connections were tried, and when streams ended, since the last mark: milliseconds of the wall clock. */
  triedAtMs: number[];
  endedAtMs: number[];
  /** From publishing to seeing, since the last mark: of members that never lost a stream, and of the others. */
  steadyMs: number[];
  returnedMs: number[];
}

/** A position as a number (FNV-1a, 32 bits): the sum of a run's is the same for whoever has seen the same run. */
export function digestOf(position: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < position.length; i += 1) hash = Math.imul(hash ^ position.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
