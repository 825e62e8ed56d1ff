import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { bind } from '@tocsin/contracts/ports';
import { AdminServer } from './admin-server';
import { Health } from './health';
import { HealthChecks } from './health-checks';
import { createLogger, Log, NestLogger } from './logger';
import { Metrics } from './metrics';
import type { ObservabilitySettings } from './settings';
import { ThisProcess } from './this-process';
import { openTrace } from './trace/open-trace';
import { Trace } from './trace/trace';

interface ObservabilityOptions {
  /** Which app this is: `gateway`, `alert-processor`, … */
  app: string;
  version: string;
  settings: ObservabilitySettings;
}

/**
 * The logger, metrics, traces, health and admin server of one process. Make it once and pass the same object to every
 * module that needs it: Nest tells dynamic modules apart by reference. The modules that import it are shut down before
 * it.
 */
@Module({})
export class ObservabilityModule implements OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly health: Health,
    private readonly adminServer: AdminServer,
    private readonly trace: Trace,
  ) {}

  static forRoot({ app, version, settings }: ObservabilityOptions): DynamicModule {
    return {
      module: ObservabilityModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      providers: [
        { provide: Log, useFactory: () => createLogger({ app, version, level: settings.LOG_LEVEL }) },
        bind(NestLogger, NestLogger, Log),
        {
          provide: Metrics,
          useFactory: () =>
            new Metrics({ version, commit: settings.BUILD_COMMIT, tenantLimit: settings.METRICS_TENANT_LIMIT }),
        },
        {
          provide: Trace,
          useFactory: (log: Log) => openTrace({ app, version, settings, log }),
          inject: [Log],
        },
        { provide: ThisProcess, useFactory: () => new ThisProcess(app, settings.BUILD_COMMIT) },
        bind(Health, Health, HealthIndicatorService, Log, Metrics),
        bind(HealthChecks, HealthChecks, HealthCheckService, HealthIndicatorService, Health),
        {
          provide: AdminServer,
          useFactory: (checks: HealthChecks, metrics: Metrics) =>
            new AdminServer(checks, metrics, {
              port: settings.ADMIN_PORT,
              version,
              paths: { live: settings.LIVENESS_PATH, ready: settings.READINESS_PATH, health: settings.HEALTH_PATH },
            }),
          inject: [HealthChecks, Metrics],
        },
      ],
      exports: [Log, NestLogger, Metrics, Trace, Health, AdminServer, ThisProcess],
    };
  }

  onModuleDestroy(): void {
    this.health.notReady('draining');
    this.health.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.trace.close();
    await this.adminServer.close();
  }
}
