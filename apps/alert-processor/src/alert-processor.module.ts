import {
  Module,
  type DynamicModule,
  type INestApplication,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { FOLDING, type Folding } from '@tocsin/contracts';
import { duration, onOff, setting } from '@tocsin/settings';
import {
  AlertActs,
  AlertIntake,
  AlertSource,
  AnnounceEntries,
  bind,
  Doorbell,
  EventBus,
  EventLog,
  LogRetention,
  PlainMessages,
} from '@tocsin/contracts/ports';
import { Log, Metrics, Trace } from '@tocsin/observability';
import { z } from 'zod';
import { AlertsController, AlertsServer } from './alerts.server';
import { BridgePlain } from './bridge/bridge-plain';
import { FlushFolds } from './flush-folds';
import { IngestAlerts } from './ingest-alerts';
import { Retention } from './retention';
import { SourceLanes } from './source-lane/source-lanes';
import { WakeSnoozed } from './wake-snoozed';

export { plainReport } from './start-report';

/** The settings of the processor itself. They do not depend on the technology behind its ports. */
export const processorSettings = {
  PROCESSOR_LANES: setting(z.coerce.number().int().min(1).max(16).default(2), {
    description:
      'How many statements store alerts at the same time; the tenants are spread over them. Each takes a ' +
      'connection to the database. Urgent, suspect and expired messages take one more connection each.',
  }),
  FOLD_AFTER: setting(z.coerce.number().int().min(0).max(1_000_000).default(FOLDING.after), {
    description:
      'How many repeats of an open alert within FOLD_WINDOW get an entry of their own. Further repeats are ' +
      'counted. The next entry of the alert has their number; it comes at the end of the window at the ' +
      'latest. 0: each window has only that entry.',
  }),
  FOLD_WINDOW: setting(duration({ unit: 's', most: 3_600 }).default(FOLDING.windowMs / 1000), {
    description:
      'How long such a window is, from its first repeat on, in seconds. 0: every repeat gets an entry, and ' +
      'FOLD_AFTER has no effect.',
  }),
  DELIVERIES: setting(onOff.default(true), {
    description:
      'Whether alerts are also sent by e-mail, SMS, WhatsApp, webhooks and push: on or off. With off, no ' +
      'deliveries are planned or stored, and alerts only appear on screens.',
  }),
  RETENTION_DAYS: setting(z.coerce.number().int().min(0).max(36_500).default(90), {
    description:
      'How many days entries are kept, with their alerts and deliveries, and notifications once they have ended. 0: for ever.',
  }),
  DEDUP_DAYS: setting(z.coerce.number().int().min(1).max(365).default(7), {
    description: 'For how many days a repeated message is recognised by its id, independent of RETENTION_DAYS.',
  }),
};

type ProcessorConfig = Readonly<z.infer<z.ZodObject<typeof processorSettings>>>;

/** When the event log folds repeats, for the composition root that makes the log. */
export const foldingOf = ({
  FOLD_AFTER,
  FOLD_WINDOW,
}: Pick<ProcessorConfig, 'FOLD_AFTER' | 'FOLD_WINDOW'>): Folding => ({
  after: FOLD_AFTER,
  windowMs: FOLD_WINDOW * 1000,
});

/** That what other programs publish plainly becomes alerts. */
interface BridgeChoice {
  /** The service of messages that name none. */
  service: string | undefined;
}

/** The bridge of this process, where there is one. */
class Bridges {
  constructor(readonly all: readonly BridgePlain[]) {}
}

const bridgeTo = ({ service }: BridgeChoice) => ({
  provide: Bridges,
  useFactory: (plain: PlainMessages, intake: AlertIntake, eventLog: EventLog, metrics: Metrics, log: Log) =>
    new Bridges([new BridgePlain(plain, intake, eventLog, metrics, log, { service })]),
  inject: [PlainMessages, AlertIntake, EventLog, Metrics, Log],
});

/**
 * The processor, without any technology: `adapters` export the ports, `Log`, `Metrics` and `Trace` that it asks for.
 */
@Module({})
export class AlertProcessorModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly flushFolds: FlushFolds,
    private readonly retention: Retention,
    private readonly wakeSnoozed: WakeSnoozed,
    private readonly bridges: Bridges,
  ) {}

  /** With `bridge`, `adapters` export `PlainMessages` too. */
  static forRoot(config: ProcessorConfig, adapters: DynamicModule[], bridge?: BridgeChoice): DynamicModule {
    return {
      module: AlertProcessorModule,
      imports: adapters,
      controllers: [AlertsController],
      providers: [
        bind(SourceLanes, SourceLanes, AlertSource, Log, Metrics),
        bind(AlertsServer, AlertsServer, SourceLanes),
        bind(AnnounceEntries, AnnounceEntries, EventBus, Metrics, Log),
        {
          provide: FlushFolds,
          useFactory: (eventLog: EventLog, announceEntries: AnnounceEntries, log: Log) =>
            new FlushFolds(eventLog, announceEntries, log),
          inject: [EventLog, AnnounceEntries, Log],
        },
        {
          provide: WakeSnoozed,
          useFactory: (acts: AlertActs, announceEntries: AnnounceEntries, doorbell: Doorbell, log: Log) =>
            new WakeSnoozed(acts, announceEntries, doorbell, log, { plans: config.DELIVERIES }),
          inject: [AlertActs, AnnounceEntries, Doorbell, Log],
        },
        {
          provide: Retention,
          useFactory: (retention: LogRetention, log: Log) =>
            new Retention(retention, { retentionDays: config.RETENTION_DAYS, dedupDays: config.DEDUP_DAYS }, log),
          inject: [LogRetention, Log],
        },
        {
          provide: IngestAlerts,
          useFactory: (
            eventLog: EventLog,
            announceEntries: AnnounceEntries,
            doorbell: Doorbell,
            metrics: Metrics,
            log: Log,
            trace: Trace,
          ) =>
            new IngestAlerts(eventLog, announceEntries, doorbell, metrics, log, {
              lanes: config.PROCESSOR_LANES,
              trace,
              ...(!config.DELIVERIES && { plan: () => [] }),
            }),
          inject: [EventLog, AnnounceEntries, Doorbell, Metrics, Log, Trace],
        },
        bridge ? bridgeTo(bridge) : { provide: Bridges, useValue: new Bridges([]) },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.flushFolds.start();
    this.retention.start();
    this.wakeSnoozed.start();
    for (const bridge of this.bridges.all) bridge.start();
  }

  async onModuleDestroy(): Promise<void> {
    const parts = [this.flushFolds, this.retention, this.wakeSnoozed, ...this.bridges.all];
    await Promise.all(parts.map((part) => part.stop()));
  }
}

/** How Nest gets the transport. The module itself provides it, because it needs the source. */
export const processorTransport: AsyncMicroserviceOptions = {
  useFactory: (server: AlertsServer) => ({ strategy: server }),
  inject: [AlertsServer],
};

/** Starts to consume inside an app that serves HTTP too. */
export async function connectProcessor(app: INestApplication): Promise<void> {
  app.connectMicroservice(processorTransport);
  await app.startAllMicroservices();
}
