import {
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { AlertIntake, AlertSource, QueueDepths, RawIntake } from '@tocsin/contracts/ports';
import { Health, Log, Metrics, type CheckOptions } from '@tocsin/observability';
import { ConfirmingPublisher } from '@tocsin/publisher';
import { RabbitAlertIntake } from './alert-intake.rabbit';
import { RabbitAlertSource } from './alert-source.rabbit';
import { RabbitQueueDepths } from './queue-depths.rabbit';
import { RabbitRawIntake } from './raw-intake.rabbit';
import { declareTopology } from './topology';
import { topologyOf } from './topology-names';

interface RabbitOptions {
  url: string;
  /** How many messages a consumer holds unacknowledged, of urgent ones at most 500. Default 2,000. */
  prefetch?: number;
  /** A prefix of every exchange and queue. Default none; a test uses one of its own. */
  prefix?: string;
  /** How RabbitMQ counts in the health of the app. Default: critical, and never a reason to be not ready. */
  health?: CheckOptions;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/** The health options of `forRoot` as a class, because Nest injects into the constructor of the module by class. */
class HealthOptions {
  constructor(readonly check: CheckOptions) {}
}

/**
 * How long the start waits for the first channel, in milliseconds, so that a client can publish as soon as the process
 * is ready.
 */
const FIRST_CHANNEL_WITHIN_MS = 2_000;

/**
 * `AlertIntake`, `RawIntake`, `AlertSource` and `QueueDepths` on RabbitMQ. Nothing is opened before `onModuleInit`,
 * which begins to connect. The start waits up to 2 s for the broker, and goes on without it. Consuming starts with
 * `AlertSource.consume`.
 */
@Module({})
export class RabbitModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly publisher: ConfirmingPublisher,
    private readonly source: RabbitAlertSource,
    private readonly depths: RabbitQueueDepths,
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
              onBlocked: (blocked) => metrics.intakeBlocked.set(Number(blocked)),
            }),
          inject: [Metrics],
        },
        {
          provide: RabbitAlertSource,
          useFactory: (publisher: ConfirmingPublisher, log: Log) =>
            new RabbitAlertSource({ url, prefetch, topology }, publisher, log),
          inject: [ConfirmingPublisher, Log],
        },
        { provide: AlertSource, useExisting: RabbitAlertSource },
        { provide: RabbitQueueDepths, useFactory: () => new RabbitQueueDepths(url, topology) },
        { provide: QueueDepths, useExisting: RabbitQueueDepths },
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
      exports: [AlertSource, AlertIntake, RawIntake, QueueDepths],
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
    await this.depths.close();
    await this.publisher.close();
  }

  private async check(): Promise<void> {
    if (!this.publisher.connected) throw new Error('There is no connection to RabbitMQ.');
    if (this.source.wanted && !this.source.consuming) throw new Error('The queues are not consumed.');
  }
}
