import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Doorbell, EventBus, HintKey, RequestRates, StreamSlots, TicketStore } from '@tocsin/contracts/ports';
import { Health, Log, Metrics, type CheckOptions } from '@tocsin/observability';
import { RedisConnection } from './connection';
import { RedisDoorbell } from './doorbell.redis';
import { RedisEventBus } from './event-bus.redis';
import { RedisRequestRates } from './request-rates.redis';
import { RedisStreamSlots } from './stream-slots.redis';
import { RedisTicketStore } from './ticket-store.redis';

interface RedisModuleOptions {
  url: string;
  /** Stands before every topic and key. Default none. */
  prefix?: string;
  /** Signs hints. Default: the key that the system keeps. */
  hintKey?: string;
  /** Publishes each entry as plain JSON too, under this prefix. Default: it does not. */
  plainPrefix?: string;
  /** Plain messages on the topics of the hints are taken elsewhere (`PlainMessages`). Default: they are warned of. */
  bridgesPlain?: boolean;
  /** Exports `HintKey`: the module of the store that keeps the key. */
  keys: DynamicModule;
  /**
   * How Redis counts for the app's health. Default: not critical, at the start as in operation. Without it alerts come
   * later, tickets are kept by PostgreSQL and streams are counted by each gateway alone.
   */
  health?: CheckOptions;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/** The options of `forRoot`, for the module's own constructor: Nest injects by class. */
class HealthOptions {
  constructor(readonly check: CheckOptions) {}
}

/** A health check has 500 ms in all. */
const CHECK_TIMEOUT_MS = 400;
const ASK_TIMEOUT_MS = 2_000;

/**
 * `EventBus`, `Doorbell`, `TicketStore`, `StreamSlots` and `RequestRates` on Redis. Nothing is opened before
 * `onModuleInit`, which starts to connect and does not wait.
 */
@Module({})
export class RedisModule implements OnModuleInit, OnApplicationShutdown {
  private asked = false;

  constructor(
    private readonly commands: RedisConnection,
    private readonly bus: RedisEventBus,
    private readonly doorbell: RedisDoorbell,
    private readonly slots: RedisStreamSlots,
    private readonly health: Health,
    private readonly healthOptions: HealthOptions,
    private readonly log: Log,
  ) {}

  static forRoot({
    url,
    prefix = '',
    hintKey,
    plainPrefix,
    bridgesPlain,
    keys,
    health = { critical: false },
    observability,
  }: RedisModuleOptions): DynamicModule {
    return {
      module: RedisModule,
      imports: [observability, keys],
      providers: [
        { provide: HealthOptions, useValue: new HealthOptions(health) },
        { provide: RedisConnection, useFactory: () => new RedisConnection(url, prefix) },
        {
          provide: RedisEventBus,
          useFactory: (commands: RedisConnection, keptKey: HintKey, log: Log, metrics: Metrics) =>
            new RedisEventBus({ url, prefix, hintKey, keptKey, plainPrefix, bridgesPlain }, commands, log, metrics),
          inject: [RedisConnection, HintKey, Log, Metrics],
        },
        { provide: EventBus, useExisting: RedisEventBus },
        {
          provide: RedisDoorbell,
          useFactory: (commands: RedisConnection) => new RedisDoorbell({ url, prefix }, commands),
          inject: [RedisConnection],
        },
        { provide: Doorbell, useExisting: RedisDoorbell },
        {
          provide: RedisTicketStore,
          useFactory: (commands: RedisConnection) => new RedisTicketStore(commands, prefix),
          inject: [RedisConnection],
        },
        { provide: TicketStore, useExisting: RedisTicketStore },
        {
          provide: RedisStreamSlots,
          useFactory: (commands: RedisConnection, metrics: Metrics) =>
            new RedisStreamSlots(commands, { prefix }, metrics),
          inject: [RedisConnection, Metrics],
        },
        { provide: StreamSlots, useExisting: RedisStreamSlots },
        {
          provide: RequestRates,
          useFactory: (commands: RedisConnection) => new RedisRequestRates(commands, prefix),
          inject: [RedisConnection],
        },
      ],
      exports: [EventBus, Doorbell, TicketStore, RedisTicketStore, StreamSlots, RequestRates],
    };
  }

  onModuleInit(): void {
    this.health.add('redis', () => this.commands.check('bus', CHECK_TIMEOUT_MS), this.healthOptions.check);
    this.commands.watch(() => void this.tellCluster());
    this.commands.open();
  }

  onApplicationShutdown(): void {
    this.bus.close();
    this.doorbell.close();
    this.slots.close();
    this.commands.close();
  }

  private async tellCluster(): Promise<void> {
    if (this.asked || !this.commands.connected) return;
    this.asked = true;
    const warnings = await this.commands.clusterWarning('bus', ASK_TIMEOUT_MS).catch(() => undefined);
    if (!warnings) this.asked = false;
    for (const warning of warnings ?? []) this.log.warn(warning);
  }
}
