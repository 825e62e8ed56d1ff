import { hostname } from 'node:os';
import { BrokerError } from './broker-error';
import type { BrokerMetrics } from './broker-metrics';
import type { HandlerFailure } from './delivery';
import { checkTimer, LONGEST_TIMER_MS } from './duration';
import type { BrokerEvent } from './event';
import type { EventProvider } from './event-provider';
import { MemoryProvider } from './providers/memory-provider';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './retry-policy';
import type { Upcasters } from './upcasters';

export type ProcessingMode = 'sync' | 'async';

export interface EventBrokerOptions {
  /** Default: a `MemoryProvider`. */
  provider?: EventProvider;
  /** What `publish` does. Default `async`. */
  mode?: ProcessingMode;
  /** How many events are handled at the same time in async mode. Default 10. */
  workerCount?: number;
  /** How many events may wait, in async mode and in sync mode each. Default 1,000. */
  bufferSize?: number;
  retryPolicy?: Partial<RetryPolicy>;
  /**
   * Unique for each process, and the same after its restart: by it the process finds what it left unfinished. Default:
   * the name of the host, which is new for each pod of a Deployment in Kubernetes, and stays in a StatefulSet.
   */
  instanceId?: string;
  /**
   * How long one call of a handler may take, in milliseconds. After that its signal aborts, and it counts as failed.
   * Default 30,000; `Infinity` for no limit.
   */
  handlerTimeoutMs?: number;
  /** Counts events. Default: nothing is counted. `PrometheusMetrics` has the names that dashboards know. */
  metrics?: BrokerMetrics;
  /**
   * How long an event stays with the instance of a group that has claimed it, in milliseconds, counted from each
   * attempt. If that instance is killed, another handles the event after this time and at most a quarter of it.
   * Default: the time of a call (30 s where calls have no limit), the longest pause before a retry, and 5 s, so 65 s.
   */
  claimLeaseMs?: number;
  upcasters?: Upcasters;
  /** Called for each dead letter. What it throws or rejects with is told to `onTrouble`. */
  onDeadLetter?: (event: BrokerEvent, failures: readonly HandlerFailure[]) => unknown;
  /**
   * Called when the provider fails in the background, and when `onDeadLetter` or `metrics` fails. The broker goes on by
   * itself.
   */
  onTrouble?: (error: unknown) => unknown;
  /** Whether `stop` closes the provider. Default true; false when brokers share one. */
  closeProvider?: boolean;
}

const HANDLER_TIMEOUT_MS = 30_000;

/** How much longer a claim lasts than an attempt and the pause before the next one, in milliseconds. */
const CLAIM_SLACK_MS = 5_000;

/**
 * The options that have a default, each with its value. Throws `invalid_configuration` when a count is not whole or too
 * small, and when a timer cannot wait for as long as a duration says.
 */
export function withDefaults(options: EventBrokerOptions) {
  const workerCount = options.workerCount ?? 10;
  const bufferSize = options.bufferSize ?? 1_000;
  const policy: RetryPolicy = { ...DEFAULT_RETRY_POLICY, ...options.retryPolicy };
  for (const [name, value, least] of [
    ['workerCount', workerCount, 1],
    ['bufferSize', bufferSize, 1],
    ['maxRetries', policy.maxRetries, 0],
  ] as const)
    if (!Number.isSafeInteger(value) || value < least)
      throw new BrokerError('invalid_configuration', `${name} is a whole number from ${least}.`);
  const handlerTimeoutMs = options.handlerTimeoutMs ?? HANDLER_TIMEOUT_MS;
  const callMs = handlerTimeoutMs === Infinity ? HANDLER_TIMEOUT_MS : handlerTimeoutMs;
  const claimLeaseMs = options.claimLeaseMs ?? Math.min(LONGEST_TIMER_MS, callMs + policy.maxDelayMs + CLAIM_SLACK_MS);
  checkTimer('handlerTimeoutMs', callMs);
  checkTimer('initialDelayMs', policy.initialDelayMs);
  checkTimer('maxDelayMs', policy.maxDelayMs);
  checkTimer('claimLeaseMs', claimLeaseMs);
  if (!(policy.backoffFactor >= 1)) throw new BrokerError('invalid_configuration', 'backoffFactor is a number from 1.');
  return {
    provider: options.provider ?? new MemoryProvider(),
    mode: options.mode ?? 'async',
    workerCount,
    bufferSize,
    policy,
    instanceId: options.instanceId ?? hostname(),
    handlerTimeoutMs,
    claimLeaseMs,
    upcasters: options.upcasters ?? {},
  };
}

/** The options that have a default, with it. */
export type BrokerSettings = ReturnType<typeof withDefaults>;
