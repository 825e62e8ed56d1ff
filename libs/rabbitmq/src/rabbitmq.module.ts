import {
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { AlertIntake, AlertSource, RawIntake } from '@tocsin/contracts/ports';
import { Health, Log, Metrics, type CheckOptions } from '@tocsin/observability';
import { ConfirmingPublisher } from '@tocsin/publisher';
import { RabbitAlertIntake } from './alert-intake.rabbit';
import { RabbitAlertSource } from './alert-source.rabbit';
import { RabbitRawIntake } from './raw-intake.rabbit';
import { declareTopology } from './topology';
import { topologyOf } from './topology-names';

export interface RabbitOptions {
  url: string;
  /** Messages that a consumer holds unacknowledged; of the urgent ones 500 at most. Default 2,000. */
  prefetch?: number;
  /** Before the name of everything that is declared. Default none; a test takes one for itself. */
  prefix?: string;
  /** How RabbitMQ counts for the app's health. Default: critical, and never a reason to be not ready. */
  health?: CheckOptions;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/** What `forRoot` was told, for the module's own constructor: Nest injects by class. */
class HealthOptions {
  constructor(readonly check: CheckOptions) {}
}

/** A start waits so long for the first channel: who is told that a process is ready may publish through it at once. */
const FIRST_CHANNEL_WITHIN_MS = 2_000;

/**
 * `AlertIntake` and `AlertSource` on RabbitMQ. Nothing is opened before `onModuleInit`, which starts to connect; the start
 * waits for a broker that is there, and goes on without one that is not. Consuming starts with `AlertSource.consume`.
 */
@Module({})
export class RabbitModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly publisher: ConfirmingPublisher,
    private readonly source: RabbitAlertSource,
    private readonly health: Health,
    private readonly healthOptions: HealthOptions,
  ) {}

  static forRoot({
    url,
    prefetch = 2_000,
    prefix,
    health = { critical: true },
    observability,
  }: RabbitOptions): DynamicModule {
    const topology = topologyOf(prefix);
    return {
      module: RabbitModule,
      imports: [observability],
      providers: [
        { provide: HealthOptions, useValue: new HealthOptions(health) },
        {
          provide: ConfirmingPublisher,
          useFactory: (metrics: Metrics) =>
            new ConfirmingPublisher({
              url,
              name: 'alert-intake',
              declare: (channel, remade) => declareTopology(channel, topology, remade ? [] : undefined),
              onBlocked: (blocked) => metrics.amqpBlocked.set(Number(blocked)),
            }),
          inject: [Metrics],
        },
        {
          provide: RabbitAlertSource,
          useFactory: (publisher: ConfirmingPublisher, log: Log, metrics: Metrics) =>
            new RabbitAlertSource({ url, prefetch, topology }, publisher, log, metrics),
          inject: [ConfirmingPublisher, Log, Metrics],
        },
        { provide: AlertSource, useExisting: RabbitAlertSource },
        {
          provide: AlertIntake,
          useFactory: (publisher: ConfirmingPublisher) => new RabbitAlertIntake(publisher, topology.exchange),
          inject: [ConfirmingPublisher],
        },
        {
          provide: RawIntake,
          useFactory: (publisher: ConfirmingPublisher) => new RabbitRawIntake(publisher, topology.exchange),
          inject: [ConfirmingPublisher],
        },
      ],
      exports: [AlertSource, AlertIntake, RawIntake],
    };
  }

  onModuleInit(): void {
    this.health.add('rabbitmq', () => this.check(), this.healthOptions.check);
    this.publisher.open();
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.publisher.connect(FIRST_CHANNEL_WITHIN_MS).catch(() => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.source.stop();
    await this.publisher.close();
  }

  private async check(): Promise<void> {
    if (!this.publisher.connected) throw new Error('There is no connection to RabbitMQ.');
    if (this.source.wanted && !this.source.consuming) throw new Error('The queues are not consumed.');
  }
}
