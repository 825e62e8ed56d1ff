import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AlertIntake, AlertSource, QueueDepths, RawIntake } from '@tocsin/contracts/ports';
import { Health, Log, type CheckOptions } from '@tocsin/observability';
import { RedisConnection } from '../connection';
import { StreamIntake, StreamRawIntake } from './alert-intake.streams';
import { StreamSource } from './alert-source.streams';
import { failoverWeakness, weaknessesOf } from './durability';
import { StreamQueueDepths } from './queue-depths.streams';
import { StreamQueue } from './stream-queue';

interface RedisQueueOptions {
  url: string;
  /** Stands before every key. Default none. */
  prefix?: string;
  /** How many messages may wait in all. Default 100,000; further ones are refused. */
  limit?: number;
  /** How many replicas must have a message before it is confirmed. Default 0, for an app that does not publish. */
  replicas?: number;
  /** How many messages a consumer holds unacknowledged, of urgent ones at most 500. Default 2,000. */
  prefetch?: number;
  /** How the queue counts in the health of the app. Default: critical. */
  health?: CheckOptions;
  /** Whether it warns of an address of one node of a cluster. Default: yes. The bus may do so as well. */
  tellsCluster?: boolean;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/** What the module's own constructor needs of `forRoot`: Nest injects by class. */
class QueueParts {
  constructor(
    readonly commands: RedisConnection,
    readonly source: StreamSource,
    readonly check: CheckOptions,
    /** What the settings make weak. */
    readonly weaknesses: readonly string[],
    readonly tellsCluster: boolean,
  ) {}
}

const CHECK_TIMEOUT_MS = 400;
const ASK_TIMEOUT_MS = 2_000;

/**
 * `AlertIntake`, `RawIntake`, `AlertSource` and `QueueDepths` on Redis Streams. Nothing is opened before
 * `onModuleInit`, which starts to connect and does not wait; once Redis answers, the log says what is weak about its
 * durability.
 */
@Module({})
export class RedisQueueModule implements OnModuleInit, OnApplicationShutdown {
  private asked = false;

  constructor(
    private readonly parts: QueueParts,
    private readonly health: Health,
    private readonly log: Log,
  ) {}

  static forRoot({
    url,
    prefix = '',
    limit = 100_000,
    replicas,
    prefetch = 2_000,
    health = { critical: true },
    tellsCluster = true,
    observability,
  }: RedisQueueOptions): DynamicModule {
    const commands = new RedisConnection(url, prefix);
    const queue = new StreamQueue(commands, prefix, replicas);
    const source = new StreamSource(queue, { url, prefetch });
    const weaknesses = failoverWeakness(url, replicas);
    return {
      module: RedisQueueModule,
      imports: [observability],
      providers: [
        { provide: QueueParts, useValue: new QueueParts(commands, source, health, weaknesses, tellsCluster) },
        { provide: AlertSource, useValue: source },
        { provide: AlertIntake, useValue: new StreamIntake(queue, limit) },
        { provide: RawIntake, useValue: new StreamRawIntake(queue, limit) },
        { provide: QueueDepths, useValue: new StreamQueueDepths(queue, limit) },
      ],
      exports: [AlertSource, AlertIntake, RawIntake, QueueDepths],
    };
  }

  onModuleInit(): void {
    const { commands, source, check } = this.parts;
    this.health.add(
      'redis_queue',
      async () => {
        await commands.check('queue', CHECK_TIMEOUT_MS);
        if (source.wanted && !source.consuming) throw new Error('The streams are not consumed.');
      },
      check,
    );
    commands.watch(() => void this.tellWeaknesses());
    commands.open();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.parts.source.stop();
    this.parts.commands.close();
  }

  private async tellWeaknesses(): Promise<void> {
    const { commands, weaknesses: known, tellsCluster } = this.parts;
    if (this.asked || !commands.connected) return;
    this.asked = true;
    try {
      const one = tellsCluster ? await commands.clusterWarning('queue', ASK_TIMEOUT_MS) : [];
      const weaknesses = await commands.run('queue', ASK_TIMEOUT_MS, weaknessesOf);
      for (const weakness of [...one, ...known, ...weaknesses]) this.log.warn(weakness);
    } catch {
      this.asked = false; // Redis is away again
    }
  }
}
