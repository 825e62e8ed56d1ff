import { ServiceUnavailableException } from '@nestjs/common';
import type {
  HealthCheckResult,
  HealthCheckService,
  HealthIndicatorFunction,
  HealthIndicatorService,
} from '@nestjs/terminus';
import type { DependencyHealth, Health } from './health';

interface HealthReport {
  /** `degraded`: a dependency is down that the app can do without for a while. */
  status: 'ok' | 'degraded' | 'down';
  dependencies: Record<string, DependencyHealth>;
}

/**
 * The questions of an orchestrator and of an operator, each answered by one health check of Terminus. The indicators
 * read what `Health` knows already and ask no dependency again: a storm of probes costs nothing.
 */
export class HealthChecks {
  constructor(
    private readonly terminus: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly health: Health,
  ) {}

  /**
   * Always `ok`: the process can answer. The check has no indicator, because an outage elsewhere must not restart every
   * process.
   */
  async liveness(): Promise<{ status: 'ok' }> {
    await this.check([]);
    return { status: 'ok' };
  }

  /** Why the app is not ready; undefined when it is. */
  async unreadiness(): Promise<string | undefined> {
    const { error } = await this.check([
      () => {
        const readiness = this.indicators.check('readiness');
        const reason = this.health.unreadiness;
        return reason === undefined ? readiness.up() : readiness.down({ reason });
      },
    ]);
    return error?.readiness?.reason as string | undefined;
  }

  /** Every dependency as the last check found it, and what that means for the app. */
  async report(): Promise<HealthReport> {
    const { dependencies } = this.health;
    const result = await this.check(
      Object.entries(dependencies).map(([name, { status, critical }]) => () => {
        const indicator = this.indicators.check(name);
        if (status === 'up') return indicator.up();
        return critical ? indicator.down() : indicator.degraded();
      }),
    );
    return { status: statusOf(result), dependencies };
  }

  /** The result of a check. Terminus throws it when a dependency is not well; the callers here want it either way. */
  private async check(indicators: HealthIndicatorFunction[]): Promise<HealthCheckResult> {
    try {
      return await this.terminus.check(indicators);
    } catch (error) {
      if (error instanceof ServiceUnavailableException) return error.getResponse() as HealthCheckResult;
      throw error;
    }
  }
}

/**
 * The status by the indicators alone. During shutdown the status of Terminus itself is `shutting_down`; here the
 * process is not ready then, and its dependencies may still be well.
 */
function statusOf({ error, details }: HealthCheckResult): HealthReport['status'] {
  if (Object.keys(error ?? {}).length > 0) return 'down';
  return Object.values(details).every(({ status }) => status === 'up') ? 'ok' : 'degraded';
}
