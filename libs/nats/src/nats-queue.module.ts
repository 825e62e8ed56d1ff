import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AlertIntake, AlertSource, bind, QueueDepths, RawIntake } from '@tocsin/contracts/ports';
import { Health, Log, type CheckOptions } from '@tocsin/observability';
import { NatsIntake, NatsRawIntake } from './alert-intake.nats';
import { NatsSource } from './alert-source.nats';
import { NatsConnection } from './connection';
import { weaknessesOf } from './durability';
import { NatsQueue } from './nats-queue';
import { NatsStreams } from './nats-streams';
import { NatsQueueDepths } from './queue-depths.nats';

interface NatsQueueModuleOptions {
  /** The process's `NatsConnectionModule.forRoot(…)`. */
  connection: DynamicModule;
  /** Stands before every subject and stream. Default none. */
  prefix?: string;
  /** How many servers keep each message. Default 1. */
  replicas?: number;
  /** How many urgent messages, and how many others, may wait. Default 100,000; further ones are refused. */
  limit?: number;
  /** How many messages a consumer holds unacknowledged, of urgent ones at most 500. Default 2,000. */
  prefetch?: number;
  /** How the queue counts in the health of the app. Default: critical. */
  health?: CheckOptions;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/** The options of `forRoot`, for the module's own constructor: Nest injects by class. */
class QueueHealth {
  constructor(readonly check: CheckOptions) {}
}

const CHECK_TIMEOUT_MS = 400;

/**
 * `AlertIntake`, `RawIntake`, `AlertSource` and `QueueDepths` on NATS JetStream. Once NATS answers, streams and
 * consumers are made, and the log says what is weak about their durability.
 */
@Module({})
export class NatsQueueModule implements OnModuleInit, OnApplicationShutdown {
  private prepared = false;

  constructor(
    private readonly queue: NatsQueue,
    private readonly source: NatsSource,
    private readonly health: Health,
    private readonly queueHealth: QueueHealth,
    private readonly log: Log,
  ) {}

  static forRoot({
    connection,
    prefix = '',
    replicas = 1,
    limit = 100_000,
    prefetch = 2_000,
    health = { critical: true },
    observability,
  }: NatsQueueModuleOptions): DynamicModule {
    return {
      module: NatsQueueModule,
      imports: [observability, connection],
      providers: [
        { provide: QueueHealth, useValue: new QueueHealth(health) },
        {
          provide: NatsQueue,
          useFactory: (shared: NatsConnection) =>
            new NatsQueue(shared, new NatsStreams(shared, { prefix, limit, replicas })),
          inject: [NatsConnection],
        },
        {
          provide: NatsSource,
          useFactory: (queue: NatsQueue) => new NatsSource(queue, { prefetch }),
          inject: [NatsQueue],
        },
        { provide: AlertSource, useExisting: NatsSource },
        bind(AlertIntake, NatsIntake, NatsQueue),
        bind(RawIntake, NatsRawIntake, NatsQueue),
        {
          provide: QueueDepths,
          useFactory: ({ streams }: NatsQueue) => new NatsQueueDepths(streams),
          inject: [NatsQueue],
        },
      ],
      exports: [AlertSource, AlertIntake, RawIntake, QueueDepths],
    };
  }

  onModuleInit(): void {
    this.health.add(
      'nats',
      async () => {
        await this.queue.streams.check(CHECK_TIMEOUT_MS);
        if (this.source.wanted && !this.source.consuming) throw new Error('The streams are not consumed.');
      },
      this.queueHealth.check,
    );
    this.queue.connection.watch(() => void this.prepare());
    void this.prepare();
  }

  onApplicationShutdown(): Promise<void> {
    return this.source.stop();
  }

  /** Runs once in a process. What fails here is tried again when messages are published or consumed. */
  private async prepare(): Promise<void> {
    const { connection, streams } = this.queue;
    if (this.prepared || !connection.connected) return;
    this.prepared = true;
    try {
      await streams.prepare();
      for (const weakness of weaknessesOf(await streams.configurations(), streams.limit)) this.log.warn(weakness);
    } catch (error) {
      this.prepared = false;
      this.log.warn({ err: error }, 'the streams of NATS cannot be prepared');
    }
  }
}
