import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AlertIntake, AlertSource, QueueDepths, RawIntake } from '@tocsin/contracts/ports';
import { Health, Log, type CheckOptions } from '@tocsin/observability';
import { NatsIntake, NatsRawIntake } from './alert-intake.nats';
import { NatsSource } from './alert-source.nats';
import { NatsConnection } from './connection';
import { weaknessesOf } from './durability';
import { NatsQueue } from './nats-queue';
import { NatsStreams } from './nats-streams';
import { NatsQueueDepths } from './queue-depths.nats';

interface NatsQueueModuleOptions {
  url: string;
  /** The content of a credentials file, where the servers ask for one. */
  credentials?: string | undefined;
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

/** What the module's own constructor needs of `forRoot`: Nest injects by class. */
class QueueParts {
  constructor(
    readonly connection: NatsConnection,
    readonly queue: NatsQueue,
    readonly source: NatsSource,
    readonly check: CheckOptions,
  ) {}
}

const CHECK_TIMEOUT_MS = 400;

/**
 * `AlertIntake`, `RawIntake`, `AlertSource` and `QueueDepths` on NATS JetStream. Nothing is opened before `onModuleInit`, which starts
 * to connect and does not wait; once NATS answers, streams and consumers are made, and the log says what is weak about
 * their durability.
 */
@Module({})
export class NatsQueueModule implements OnModuleInit, OnApplicationShutdown {
  private prepared = false;

  constructor(
    private readonly parts: QueueParts,
    private readonly health: Health,
    private readonly log: Log,
  ) {}

  static forRoot({
    url,
    credentials,
    prefix = '',
    replicas = 1,
    limit = 100_000,
    prefetch = 2_000,
    health = { critical: true },
    observability,
  }: NatsQueueModuleOptions): DynamicModule {
    const connection = new NatsConnection({ url, credentials, name: 'tocsin' });
    const queue = new NatsQueue(connection, new NatsStreams(connection, { prefix, limit, replicas }));
    const source = new NatsSource(queue, { prefetch });
    return {
      module: NatsQueueModule,
      imports: [observability],
      providers: [
        { provide: QueueParts, useValue: new QueueParts(connection, queue, source, health) },
        { provide: AlertSource, useValue: source },
        { provide: AlertIntake, useValue: new NatsIntake(queue) },
        { provide: RawIntake, useValue: new NatsRawIntake(queue) },
        { provide: QueueDepths, useValue: new NatsQueueDepths(queue.streams) },
      ],
      exports: [AlertSource, AlertIntake, RawIntake, QueueDepths],
    };
  }

  onModuleInit(): void {
    const { connection, queue, source, check } = this.parts;
    this.health.add(
      'nats',
      async () => {
        await queue.streams.check(CHECK_TIMEOUT_MS);
        if (source.wanted && !source.consuming) throw new Error('The streams are not consumed.');
      },
      check,
    );
    connection.watch(() => void this.prepare());
    connection.open();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.parts.source.stop();
    await this.parts.connection.close();
  }

  /** Runs once in a process. What fails here is tried again when messages are published or consumed. */
  private async prepare(): Promise<void> {
    const { connection, queue } = this.parts;
    if (this.prepared || !connection.connected) return;
    this.prepared = true;
    try {
      await queue.streams.prepare();
      for (const weakness of weaknessesOf(await queue.streams.configurations())) this.log.warn(weakness);
    } catch (error) {
      this.prepared = false;
      this.log.warn({ err: error }, 'the streams of NATS cannot be prepared');
    }
  }
}
