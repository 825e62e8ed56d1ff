import type { Alert, Problem } from '@tocsin/contracts/wire';

/** An answer of the API that is not the one that was asked for. `code` is the gateway's, or `unreachable`, or `http_<status>` of whoever stands before it. */
export class ApiProblem extends Error {
  constructor(
    /** 0: no answer came. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** The gateway's own word, when it was the gateway that answered. */
    readonly problem: (Problem & { alert?: Alert }) | null = null,
    /** How long to wait before trying again, when it said so. */
    readonly retryAfterMs = 0,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'ApiProblem';
  }

  /** Whether the same may be right a moment later. */
  get passes(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}
