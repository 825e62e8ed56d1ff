import { Module, type DynamicModule, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { bind, Doorbell, EventBus, HintKey, RequestRates, StreamSlots, TicketStore } from '@tocsin/contracts/ports';
import { Health, Log, Metrics, type CheckOptions } from '@tocsin/observability';
import { NatsConnection } from '../connection';
import { BusStreams } from './bus-streams';
import { NatsDoorbell } from './doorbell.nats';
import { NatsEventBus } from './event-bus.nats';
import { NatsRequestRates } from './request-rates.nats';
import { NatsStreamSlots } from './stream-slots.nats';
import { NatsTicketStore } from './ticket-store.nats';

interface NatsBusModuleOptions {
  /** The process's `NatsConnectionModule.forRoot(…)`. */
  connection: DynamicModule;
  /** Stands before every subject and stream. Default none. */
  prefix?: string;
  /** How many servers keep tickets and counts. Default 1. */
  replicas?: number;
  /** Signs hints. Default: the key that the system keeps. */
  hintKey?: string | undefined;
  /** Exports `HintKey`: the module of the store that keeps the key. */
  keys: DynamicModule;
  /**
   * Whether this process redeems tickets and counts streams and requests, which needs JetStream. Default: it does not.
   */
  keepsState?: boolean;
  /**
   * How NATS counts for the app's health. Default: not critical. Without it alerts come later, tickets are kept by
   * PostgreSQL and streams are counted by each gateway alone.
   */
  health?: CheckOptions;
  /** The process's `ObservabilityModule.forRoot(…)`. */
  observability: DynamicModule;
}

/** The options of `forRoot`, for the module's own constructor: Nest injects by class. */
class BusUse {
  constructor(
    readonly keepsState: boolean,
    readonly check: CheckOptions,
  ) {}
}

/** A health check has 500 ms in all. */
const CHECK_TIMEOUT_MS = 400;

/**
 * `EventBus`, `Doorbell`, `TicketStore`, `StreamSlots` and `RequestRates` on NATS. Hints and rings are published and
 * not stored; the rest is in streams, which are made once NATS answers.
 */
@Module({})
export class NatsBusModule implements OnModuleInit, OnApplicationShutdown {
  private prepared = false;

  constructor(
    private readonly connection: NatsConnection,
    private readonly streams: BusStreams,
    private readonly bus: NatsEventBus,
    private readonly doorbell: NatsDoorbell,
    private readonly slots: NatsStreamSlots,
    private readonly rates: NatsRequestRates,
    private readonly health: Health,
    private readonly use: BusUse,
    private readonly log: Log,
  ) {}

  static forRoot({
    connection,
    prefix = '',
    replicas = 1,
    hintKey,
    keys,
    keepsState = false,
    health = { critical: false },
    observability,
  }: NatsBusModuleOptions): DynamicModule {
    return {
      module: NatsBusModule,
      imports: [observability, keys, connection],
      providers: [
        { provide: BusUse, useValue: new BusUse(keepsState, health) },
        {
          provide: BusStreams,
          useFactory: (shared: NatsConnection) => new BusStreams(shared, { prefix, replicas }),
          inject: [NatsConnection],
        },
        {
          provide: NatsEventBus,
          useFactory: (shared: NatsConnection, keptKey: HintKey, log: Log, metrics: Metrics) =>
            new NatsEventBus({ prefix, hintKey, keptKey }, shared, log, metrics),
          inject: [NatsConnection, HintKey, Log, Metrics],
        },
        { provide: EventBus, useExisting: NatsEventBus },
        {
          provide: NatsDoorbell,
          useFactory: (shared: NatsConnection) => new NatsDoorbell(shared, prefix),
          inject: [NatsConnection],
        },
        { provide: Doorbell, useExisting: NatsDoorbell },
        bind(NatsTicketStore, NatsTicketStore, NatsConnection, BusStreams),
        { provide: TicketStore, useExisting: NatsTicketStore },
        {
          provide: NatsStreamSlots,
          useFactory: (shared: NatsConnection, streams: BusStreams, metrics: Metrics) =>
            new NatsStreamSlots(shared, streams, metrics),
          inject: [NatsConnection, BusStreams, Metrics],
        },
        { provide: StreamSlots, useExisting: NatsStreamSlots },
        bind(NatsRequestRates, NatsRequestRates, NatsConnection, BusStreams),
        { provide: RequestRates, useExisting: NatsRequestRates },
      ],
      exports: [EventBus, Doorbell, TicketStore, NatsTicketStore, StreamSlots, RequestRates],
    };
  }

  onModuleInit(): void {
    this.health.add(
      'nats_bus',
      () => this.connection.run('bus', CHECK_TIMEOUT_MS, (client) => client.flush()),
      this.use.check,
    );
    if (!this.use.keepsState) return;
    this.connection.watch(() => void this.prepare());
    void this.prepare();
  }

  async onApplicationShutdown(): Promise<void> {
    this.bus.close();
    this.doorbell.close();
    await Promise.all([this.slots.close(), this.rates.close()]);
  }

  /** Runs once in a process. What fails here is tried again when a ticket is redeemed or a stream is counted. */
  private async prepare(): Promise<void> {
    if (this.prepared || !this.connection.connected) return;
    this.prepared = true;
    try {
      await this.streams.prepare();
      this.slots.open();
      this.rates.open();
    } catch (error) {
      this.prepared = false;
      this.log.warn(
        { err: error },
        'NATS keeps no streams, for which it needs JetStream: PostgreSQL remembers used tickets, and each gateway ' +
          'counts streams and requests alone',
      );
    }
  }
}
