import {
  Module,
  type DynamicModule,
  type INestApplicationContext,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { bind, DeliveryQueue, Doorbell, Notifications } from '@tocsin/contracts/ports';
import type { Channel } from '@tocsin/contracts/wire';
import { Log, Metrics } from '@tocsin/observability';
import { setting } from '@tocsin/settings';
import { z } from 'zod';
import { Breakers } from './breakers';
import { channelsFrom, channelSettings } from './channels/channels';
import { Deliver } from './deliver';
import { DepthWatch } from './depth-watch';
import { DueDeliveries } from './due-deliveries';
import { InHand } from './in-hand';
import { Settlements } from './settlements';
import { StartNotifications } from './start-notifications';

/** The settings of the notifier itself and of its channels. They do not depend on the technology behind its ports. */
export const notifierSettings = {
  NOTIFIER_DRAIN_MS: setting(z.coerce.number().int().min(0).max(25_000).default(10_000), {
    description:
      'How long attempts that are under way may go on after SIGTERM, in milliseconds. Then they are ended. 0 ends them at once.',
  }),
  ...channelSettings,
};

type NotifierConfig = Readonly<z.infer<z.ZodObject<typeof notifierSettings>>>;

/** The notifier, without any technology: `adapters` export the ports, `Log` and `Metrics` that it asks for. */
@Module({})
export class NotifierModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly dueDeliveries: DueDeliveries,
    private readonly depthWatch: DepthWatch,
    private readonly startNotifications: StartNotifications,
  ) {}

  static forRoot(config: NotifierConfig, adapters: DynamicModule[]): DynamicModule {
    return {
      module: NotifierModule,
      imports: adapters,
      providers: [
        bind(Settlements, Settlements, DeliveryQueue, Log),
        bind(InHand, InHand, DeliveryQueue, Log),
        bind(Breakers, Breakers, Metrics, Log),
        bind(Deliver, Deliver, Breakers, Metrics, Log),
        bind(DepthWatch, DepthWatch, DeliveryQueue, Metrics),
        bind(StartNotifications, StartNotifications, Notifications, Doorbell, Log),
        {
          provide: DueDeliveries,
          useFactory: (
            queue: DeliveryQueue,
            doorbell: Doorbell,
            deliver: Deliver,
            inHand: InHand,
            settlements: Settlements,
            metrics: Metrics,
            log: Log,
          ) =>
            new DueDeliveries(
              channelsFrom(config, { log }),
              doorbell,
              { queue, deliver, inHand, settlements, metrics, log },
              { drainMs: config.NOTIFIER_DRAIN_MS },
            ),
          inject: [DeliveryQueue, Doorbell, Deliver, InHand, Settlements, Metrics, Log],
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

/** The channels that have a provider, for what an app tells at its start. */
export const enabledChannels = (app: INestApplicationContext): Channel[] => app.get(DueDeliveries).enabled;
