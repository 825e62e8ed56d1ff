import {
  Module,
  type DynamicModule,
  type INestApplicationContext,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { SignedLinks } from '@tocsin/auth';
import {
  bind,
  DeliveryQueue,
  Doorbell,
  LinkKey,
  Notifications,
  PushSubscriptions,
  Unsubscribes,
  WebhookEndpoints,
} from '@tocsin/contracts/ports';
import type { Channel } from '@tocsin/contracts/wire';
import { Log, Metrics, Trace } from '@tocsin/observability';
import { checkPhoneSettings } from '@tocsin/phones';
import { duration, setting } from '@tocsin/settings';
import { z } from 'zod';
import { Begins } from './begins';
import { Breakers } from './breakers';
import { channelsFrom, channelSettings } from './channels/channels';
import { emailContradictions } from './channels/email-settings';
import { Deliver } from './deliver';
import { DepthWatch } from './depth-watch';
import { DueDeliveries } from './due-deliveries';
import { InHand } from './in-hand';
import { OutboxController } from './outbox/outbox.controller';
import { OutboxFolder } from './outbox/outbox-folder';
import { Settlements } from './settlements';
import { StartNotifications } from './start-notifications';

/** The settings of the notifier itself and of its channels. They do not depend on the technology behind its ports. */
export const notifierSettings = {
  NOTIFIER_DRAIN_MS: setting(duration({ most: 25_000 }).default(10_000), {
    description:
      'How long attempts that are under way may continue after SIGTERM, in milliseconds. After that they ' +
      'are aborted. 0 aborts them at once.',
  }),
  ...channelSettings,
};

type NotifierConfig = Readonly<z.infer<z.ZodObject<typeof notifierSettings>>> & {
  /** The folder of the outbox, for the standalone. Without it there is no outbox. */
  outboxFolder?: string | undefined;
};

/** The notifier, without any technology. `adapters` export the ports, `Log` and `Metrics` that it needs. */
@Module({})
export class NotifierModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly dueDeliveries: DueDeliveries,
    private readonly depthWatch: DepthWatch,
    private readonly startNotifications: StartNotifications,
  ) {}

  static forRoot(config: NotifierConfig, adapters: DynamicModule[]): DynamicModule {
    const outbox = config.outboxFolder === undefined ? undefined : new OutboxFolder(config.outboxFolder);
    return {
      module: NotifierModule,
      imports: adapters,
      controllers: outbox ? [OutboxController] : [],
      providers: [
        ...(outbox ? [{ provide: OutboxFolder, useValue: outbox }] : []),
        bind(SignedLinks, SignedLinks, LinkKey),
        bind(Settlements, Settlements, DeliveryQueue, Log),
        bind(InHand, InHand, DeliveryQueue, Log),
        bind(Begins, Begins, DeliveryQueue, InHand, Log),
        bind(Breakers, Breakers, Metrics, Log),
        bind(Deliver, Deliver, Breakers, Metrics, Log, Trace),
        bind(DepthWatch, DepthWatch, DeliveryQueue, Metrics),
        bind(StartNotifications, StartNotifications, Notifications, Doorbell, Log),
        {
          provide: DueDeliveries,
          useFactory: (
            queue: DeliveryQueue,
            doorbell: Doorbell,
            deliver: Deliver,
            inHand: InHand,
            begins: Begins,
            settlements: Settlements,
            metrics: Metrics,
            log: Log,
            links: SignedLinks,
            unsubscribes: Unsubscribes,
            webhookEndpoints: WebhookEndpoints,
            pushSubscriptions: PushSubscriptions,
            breakers: Breakers,
          ) =>
            new DueDeliveries(
              channelsFrom(config, { log, links, unsubscribes, webhookEndpoints, pushSubscriptions, breakers, outbox }),
              doorbell,
              { queue, deliver, inHand, begins, settlements, metrics, log },
              { drainMs: config.NOTIFIER_DRAIN_MS },
            ),
          inject: [
            DeliveryQueue,
            Doorbell,
            Deliver,
            InHand,
            Begins,
            Settlements,
            Metrics,
            Log,
            SignedLinks,
            Unsubscribes,
            WebhookEndpoints,
            PushSubscriptions,
            Breakers,
          ],
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.dueDeliveries.start();
    this.depthWatch.start();
    this.startNotifications.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.depthWatch.stop();
    await this.startNotifications.stop();
    await this.dueDeliveries.stop();
  }
}

/** The contradictions between settings, one sentence each. */
export const notifierContradictions = (config: NotifierConfig): string[] => [
  ...emailContradictions(config),
  ...checkPhoneSettings(config),
];

export { notifierReport } from './start-report';

/** The channels that have a provider, for what an app tells at its start. */
export const enabledChannels = (app: INestApplicationContext): Channel[] => app.get(DueDeliveries).enabled;
