import type { Alert, Problem } from '@tocsin/contracts/wire';

/**
 * A request of the API that failed. `code` is the gateway's error code, `no_credential`, `unreachable`, or
 * `http_<status>` when a proxy responded.
 */
export class ApiProblem extends Error {
  constructor(
    /** The HTTP status; 0: no response came. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** The body of the gateway's error response; null when no response came, or a proxy's. */
    readonly problem: (Problem & { alert?: Alert }) | null = null,
    /** How long to wait before a retry, in milliseconds, when the response said so; else 0. */
    readonly retryAfterMs = 0,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'ApiProblem';
  }

  /** Whether the same request may succeed later: no response, 429, or 500 and above. */
  get passes(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}
