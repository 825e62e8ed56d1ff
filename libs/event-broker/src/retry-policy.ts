/** How often and when a handler that failed is called again. */
export interface RetryPolicy {
  /** Attempts after the first one. Default 3; 0 turns retrying off. */
  maxRetries: number;
  /** The pause before the first retry, in milliseconds. Default 1,000. */
  initialDelayMs: number;
  /** No pause is longer, in milliseconds. Default 30,000. */
  maxDelayMs: number;
  /** Each pause is that many times the one before. Default 2. */
  backoffFactor: number;
}

export const DEFAULT_RETRY_POLICY: Readonly<RetryPolicy> = {
  maxRetries: 3,
  initialDelayMs: 1_000,
  maxDelayMs: 30_000,
  backoffFactor: 2,
};

/** The pause before the retry of this number, from 1. */
export const retryDelayMs = (retry: number, policy: RetryPolicy): number =>
  Math.min(policy.maxDelayMs, policy.initialDelayMs * policy.backoffFactor ** (retry - 1));
