import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, HttpAdapterHost, RouterModule } from '@nestjs/core';
import type { Server } from 'node:http';
import { Revocations, SignedLinks, TokenVerifier } from '@tocsin/auth';
import {
  AlertActs,
  AlertIntake,
  AnnounceEntries,
  bind,
  DeadLetters,
  Deliveries,
  DeliveryQueue,
  Doorbell,
  EventBus,
  EventLog,
  Notifications,
  LinkKey,
  PhoneDeliveries,
  ProcessDirectory,
  QueueDepths,
  RawIntake,
  Receipts,
  RequestRates,
  AlertQueries,
  Unsubscribes,
} from '@tocsin/contracts/ports';
import { AdminServer, Health, Log, Metrics, ThisProcess, Trace } from '@tocsin/observability';
import { RevocationsController } from './access/revocations.controller';
import { TenantsController } from './access/tenants.controller';
import { provideVisibleTenants, VisibleTenants } from './access/visible-tenants';
import { ActOnAlerts } from './alerts/act-on-alerts';
import { AlertActsController } from './alerts/alert-acts.controller';
import { AlertsController } from './alerts/alerts.controller';
import { FindAlerts } from './alerts/find-alerts';
import { StatsController } from './alerts/stats.controller';
import { EventsController } from './connect/events.controller';
import { StreamDoor } from './connect/stream-door';
import { TicketsController } from './connect/tickets.controller';
import { DeadLetterWatch } from './dead-letters/dead-letter-watch';
import { DeadLettersController } from './dead-letters/dead-letters.controller';
import { SettleDeadLetters } from './dead-letters/settle-dead-letters';
import { AlertDeliveriesController } from './deliveries/alert-deliveries.controller';
import { DeliveriesController } from './deliveries/deliveries.controller';
import { KeepDeliveries } from './deliveries/keep-deliveries';
import { DocsController } from './docs/docs.controller';
import { OpenApiDocument } from './docs/openapi.docs';
import { WelcomeController } from './docs/welcome.controller';
import { FanOutSpans } from './feeds/fan-out-spans';
import { TenantFeeds } from './feeds/tenant-feeds';
import { HealthController } from './health/health.controller';
import { QueueWatch } from './health/queue-watch';
import { SeeHealth, streamCaps } from './health/see-health';
import { letGoOfConnections } from './http/idle-connections';
import { IntakeController } from './intake/intake.controller';
import { OpsgenieController } from './intake/opsgenie.controller';
import { PagerDutyController } from './intake/pagerduty.controller';
import { PeerPublisher } from './intake/peer-publisher';
import { PublishEvents } from './intake/publish-events';
import { TopicsController } from './intake/topics.controller';
import { ReceiptWatch } from './intake/receipt-watch';
import { LimitRequests } from './limits/limit-requests.guard';
import { RequestLimits } from './limits/request-limits';
import { FollowLinks } from './links/follow-links';
import { LinksController } from './links/links.controller';
import { HalfOpenWatch } from './live/half-open';
import { Lifetimes } from './live/lifetime';
import { OpenStreams } from './live/open-streams';
import { gatewayStats } from './live/stats';
import { LogController } from './log/log.controller';
import { ReadLog } from './log/read-log';
import { ObserveShown } from './me/observe-shown';
import { SeenCursorController } from './me/seen-cursor.controller';
import { ShownController } from './me/shown.controller';
import { KeepNotifications } from './notifications/keep-notifications';
import { NotificationsController } from './notifications/notifications.controller';
import { PageController } from './page/page.controller';
import { providePage } from './page/provide-page';
import { EmbedPreviewController } from './page/embed-preview.controller';
import { PushWorkerController } from './page/push-worker.controller';
import { ProblemFilter } from './problems/problem.filter';
import { provideRequestCheck, type BeforeRequestOptions } from './request/before-request';
import { RecipientsController } from './recipients/recipients.controller';
import { AnswerReply } from './providers/answer-reply';
import { TwilioCallbacks } from './providers/twilio-callbacks';
import { TwilioController } from './providers/twilio.controller';
import { ForwardRequests } from './proxy/forward-requests';
import { PushController } from './push/push.controller';
import { SessionController } from './session/session.controller';
import { WebhooksController } from './webhooks/webhooks.controller';
import { GatewayConfig } from './config';
import { provideStreams } from './stream-providers';

// Exported for compositions that run several apps in one process.
export { openHttp, prepareHttp } from './http-server';
export type { BeforeRequest, BeforeRequestOptions, SeenRequest } from './request/before-request';
export { gatewayReport } from './start-report';

/**
 * The gateway, independent of any technology: `adapters` exports the ports, the logger and the metrics that it needs.
 */
@Module({})
export class GatewayModule implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly halfOpen: HalfOpenWatch;

  constructor(
    private readonly streams: OpenStreams,
    private readonly feeds: TenantFeeds,
    private readonly lifetimes: Lifetimes,
    private readonly deadLetters: DeadLetterWatch,
    private readonly queue: QueueWatch,
    private readonly receipts: ReceiptWatch,
    private readonly door: StreamDoor,
    private readonly http: HttpAdapterHost,
    admin: AdminServer,
  ) {
    this.halfOpen = new HalfOpenWatch(streams);
    admin.offer('/stats', () => gatewayStats(streams, feeds));
  }

  static forRoot(config: GatewayConfig, adapters: DynamicModule[], before: BeforeRequestOptions = {}): DynamicModule {
    const base = config.BASE_PATH;
    return {
      module: GatewayModule,
      imports: base ? [...adapters, RouterModule.register([{ path: base, module: GatewayModule }])] : adapters,
      // The order matters. The longer path comes first, since api/events answers every method of its own path only; a
      // controller that reads comes before one that refuses other methods.
      controllers: [
        TicketsController,
        EventsController,
        LogController,
        IntakeController,
        PagerDutyController,
        OpsgenieController,
        TopicsController,
        RevocationsController,
        TenantsController,
        DeadLettersController,
        HealthController,
        NotificationsController,
        DeliveriesController,
        AlertDeliveriesController,
        RecipientsController,
        WebhooksController,
        AlertActsController,
        AlertsController,
        StatsController,
        SeenCursorController,
        ShownController,
        SessionController,
        LinksController,
        PushController,
        TwilioController,
        DocsController,
        WelcomeController,
        EmbedPreviewController,
        PushWorkerController,
        PageController,
      ],
      providers: [
        { provide: GatewayConfig, useValue: config },
        ...provideStreams(config),
        bind(ObserveShown, ObserveShown, FanOutSpans, Trace, Metrics),
        bind(AnnounceEntries, AnnounceEntries, EventBus, Metrics, Log),
        bind(ActOnAlerts, ActOnAlerts, AlertActs, AnnounceEntries, VisibleTenants),
        provideVisibleTenants(config.JWT_TENANTS_CLAIM),
        bind(FindAlerts, FindAlerts, AlertQueries, EventLog, VisibleTenants),
        bind(SignedLinks, SignedLinks, LinkKey),
        bind(FollowLinks, FollowLinks, SignedLinks, AlertQueries, ActOnAlerts, Unsubscribes),
        bind(ReadLog, ReadLog, EventLog, VisibleTenants),
        bind(SettleDeadLetters, SettleDeadLetters, DeadLetters, RawIntake),
        {
          provide: DeadLetterWatch,
          useFactory: (letters: DeadLetters, metrics: Metrics) => new DeadLetterWatch(letters, metrics),
          inject: [DeadLetters, Metrics],
        },
        bind(QueueWatch, QueueWatch, QueueDepths, Metrics),
        {
          provide: SeeHealth,
          useFactory: (
            health: Health,
            streams: OpenStreams,
            feeds: TenantFeeds,
            lifetimes: Lifetimes,
            metrics: Metrics,
            self: ThisProcess,
            tenants: VisibleTenants,
            ...[letters, deliveries, queues, processes]: [DeadLetters, DeliveryQueue, QueueDepths, ProcessDirectory]
          ) =>
            new SeeHealth(
              { health, streams, feeds, lifetimes, metrics, self, limits: streamCaps(config) },
              { letters, deliveries, queues, processes },
              tenants,
            ),
          inject: [
            Health,
            OpenStreams,
            TenantFeeds,
            Lifetimes,
            Metrics,
            ThisProcess,
            VisibleTenants,
            DeadLetters,
            DeliveryQueue,
            QueueDepths,
            ProcessDirectory,
          ],
        },
        bind(KeepNotifications, KeepNotifications, Notifications, Deliveries, VisibleTenants, Doorbell),
        bind(KeepDeliveries, KeepDeliveries, Deliveries, AlertQueries, VisibleTenants, Doorbell),
        { provide: TwilioCallbacks, useValue: new TwilioCallbacks(config) },
        bind(AnswerReply, AnswerReply, PhoneDeliveries, AlertActs, AnnounceEntries),
        bind(ReceiptWatch, ReceiptWatch, Receipts),
        bind(PeerPublisher, PeerPublisher, TokenVerifier, Revocations, VisibleTenants, LimitRequests),
        {
          provide: PublishEvents,
          useFactory: (
            intake: AlertIntake,
            log: EventLog,
            queries: AlertQueries,
            acts: ActOnAlerts,
            receipts: ReceiptWatch,
            metrics: Metrics,
          ) => new PublishEvents(intake, log, queries, acts, receipts, metrics, config.MAX_EVENT_BYTES),
          inject: [AlertIntake, EventLog, AlertQueries, ActOnAlerts, ReceiptWatch, Metrics],
        },
        provideRequestCheck(before, config.TRUSTED_PROXIES),
        bind(OpenApiDocument, OpenApiDocument),
        ...providePage(config),
        {
          provide: RequestLimits,
          useFactory: (rates?: RequestRates) =>
            new RequestLimits(
              {
                user: config.REQUESTS_PER_USER,
                token: config.REQUESTS_PER_TOKEN,
                address: config.REQUESTS_PER_ADDRESS,
              },
              rates,
            ),
          // not every bus can count
          inject: [{ token: RequestRates, optional: true }],
        },
        bind(LimitRequests, LimitRequests, RequestLimits, GatewayConfig, Metrics),
        bind(ForwardRequests, ForwardRequests, GatewayConfig, LimitRequests, Metrics),
        { provide: APP_GUARD, useExisting: LimitRequests },
        { provide: APP_INTERCEPTOR, useExisting: LimitRequests },
        { ...bind(ProblemFilter, ProblemFilter, Metrics, Log), provide: APP_FILTER },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.halfOpen.start();
    this.deadLetters.start();
    this.queue.start();
  }

  /** Runs first of all: no stream outlives this process's right to serve it. */
  async onModuleDestroy(): Promise<void> {
    this.receipts.close();
    const server = this.http.httpAdapter?.getHttpServer() as Server | undefined;
    if (server) letGoOfConnections(server);
    await this.streams.drain();
  }

  beforeApplicationShutdown(): void {
    this.halfOpen.stop();
    this.deadLetters.stop();
    this.queue.stop();
    this.lifetimes.close();
    this.feeds.close();
    this.door.close();
    (this.http.httpAdapter?.getHttpServer() as Server | undefined)?.closeIdleConnections();
  }
}
