import type { HealthIndicatorService } from '@nestjs/terminus';
import { ConfigurationError } from '@tocsin/settings';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './logger';
import type { Metrics } from './metrics';

type Check = () => Promise<unknown>;

export interface CheckOptions {
  /** Whether the app is unhealthy while this dependency is down. The start waits for critical dependencies. */
  critical: boolean;
  /** How long it may be down before the app is not ready, in milliseconds. Default: for ever. */
  unreadyAfterMs?: number;
}

export interface DependencyHealth {
  /** `unknown` until the first check. */
  status: 'up' | 'down' | 'unknown';
  critical: boolean;
  latency_ms: number | null;
  /** The time of the last change of the status: ISO 8601. */
  since: string;
}

/**
 * How often dependencies are checked, in milliseconds: a probe every 10 s reads a current result, and the checks cost
 * nearly nothing.
 */
const CHECK_EVERY_MS = 5_000;
/** The timeout of a check, in milliseconds. A dependency that needs longer for a trivial question counts as down. */
const CHECK_TIMEOUT_MS = 500;
/** How often `waitUntilUp` checks the dependencies, in milliseconds. */
const WAIT_EVERY_MS = 250;

interface Dependency extends DependencyHealth {
  check: Check;
  unreadyAfterMs: number;
  downSince: number | null;
  error: unknown;
}

/** The process ended while it waited for its dependencies. */
export class StartAborted extends Error {
  constructor() {
    super('The process is ending.');
    this.name = 'StartAborted';
  }
}

/**
 * The readiness of the process and the state of its dependencies. Checks run in the background, each as an attempt of
 * Terminus with a timeout, and callers read the last result. The process is not ready until `ready` is called. The text
 * of a dependency's error goes to the logger only.
 */
export class Health {
  private readonly known = new Map<string, Dependency>();
  private readonly notReadyReasons = new Set(['starting']);
  private readonly stopped = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly terminus: HealthIndicatorService,
    private readonly log: Log,
    private readonly metrics: Pick<Metrics, 'dependencyUp'>,
  ) {}

  /** Adds a dependency. `check` resolves when it is up and rejects when it is not; it gets 500 ms. */
  add(name: string, check: Check, { critical, unreadyAfterMs = Infinity }: CheckOptions): void {
    const since = new Date().toISOString();
    this.known.set(name, {
      check,
      critical,
      unreadyAfterMs,
      status: 'unknown',
      latency_ms: null,
      since,
      downSince: null,
      error: undefined,
    });
  }

  /** Withdraws one reason for being not ready; without an argument, that the app is starting. */
  ready(reason = 'starting'): void {
    this.notReadyReasons.delete(reason);
  }

  /** Adds a reason for being not ready, such as `draining` or `full`. The app is not ready while any reason stands. */
  notReady(reason: string): void {
    this.notReadyReasons.add(reason);
  }

  /** Why the app is not ready; undefined when it is. */
  get unreadiness(): string | undefined {
    const [stated] = this.notReadyReasons;
    if (stated) return stated;
    const now = performance.now();
    for (const [name, { downSince, unreadyAfterMs }] of this.known) {
      if (downSince !== null && now - downSince >= unreadyAfterMs) return `${name}_down`;
    }
    return undefined;
  }

  /** Each dependency by its name, as the last check found it. */
  get dependencies(): Record<string, DependencyHealth> {
    return Object.fromEntries(
      [...this.known].map(([name, { status, critical, latency_ms, since }]) => [
        name,
        { status, critical, latency_ms, since },
      ]),
    );
  }

  /** Starts to check in the background. May be called twice. */
  start(): void {
    if (this.timer || this.stopped.signal.aborted) return;
    this.timer = setInterval(() => void this.check(), CHECK_EVERY_MS);
    this.timer.unref();
    void this.check();
  }

  /** Stops checking and ends a wait. May be called twice. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.stopped.abort();
  }

  /**
   * Resolves once every critical dependency is up. `onWaiting` gets the names of those that are not, each time they
   * change. Rejects after `timeoutMs` with an error that names them, with `StartAborted` when `stop` is called
   * meanwhile, and at once with the `ConfigurationError` of a check: waiting does not help there.
   */
  async waitUntilUp(timeoutMs: number, onWaiting: (names: readonly string[]) => void = () => {}): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    this.start();
    for (let told = ''; ;) {
      await this.check();
      if (this.stopped.signal.aborted) throw new StartAborted();
      const missing = [...this.known].filter(([, { critical, status }]) => critical && status !== 'up');
      if (missing.length === 0) return;
      for (const [, { error }] of missing) if (error instanceof ConfigurationError) throw error;
      const names = missing.map(([name]) => name);
      if (performance.now() >= deadline) {
        throw new Error(`Not reachable within ${Math.round(timeoutMs / 1000)} s: ${names.join(', ')}.`, {
          cause: missing[0]?.[1].error,
        });
      }
      if (names.join() !== told) onWaiting(names);
      told = names.join();
      await sleep(WAIT_EVERY_MS, undefined, { signal: this.stopped.signal }).catch(() => {});
    }
  }

  /** Checks every dependency once, all at the same time. Overlapping calls share one run. Never rejects. */
  private check(): Promise<void> {
    this.running ??= Promise.all([...this.known].map(([name, dependency]) => this.checkOne(name, dependency)))
      .then(() => {})
      .finally(() => (this.running = undefined));
    return this.running;
  }

  private async checkOne(name: string, dependency: Dependency): Promise<void> {
    let error: unknown;
    const attempt = async () => {
      try {
        await dependency.check();
      } catch (thrown) {
        error = thrown;
        throw thrown;
      }
    };
    const { [name]: result } = await this.terminus.check(name).attempt(attempt).withTimeout(CHECK_TIMEOUT_MS);
    const status = result?.status === 'up' ? 'up' : 'down';
    dependency.latency_ms = Number(result?.responseTime ?? 0);
    dependency.error = status === 'up' ? undefined : (error ?? new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`));
    this.metrics.dependencyUp.set({ dependency: name }, Number(status === 'up'));
    if (status === dependency.status || this.stopped.signal.aborted) return;
    // the start waits for a critical dependency and says so itself
    if (status === 'down' && (dependency.status === 'up' || !dependency.critical))
      this.log.warn({ dependency: name, err: dependency.error }, 'a dependency is down');
    if (status === 'up' && dependency.status === 'down')
      this.log.info({ dependency: name }, 'a dependency is up again');
    dependency.status = status;
    dependency.since = new Date().toISOString();
    dependency.downSince = status === 'down' ? performance.now() : null;
  }
}
