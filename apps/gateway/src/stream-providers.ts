import { Revocations, SessionDoor, Tickets, TokenVerifier } from '@tocsin/auth';
import { bind, EventBus, EventLog, StreamSlots } from '@tocsin/contracts/ports';
import { Health, Log, Metrics, Trace } from '@tocsin/observability';
import { MAX_TENANTS, VisibleTenants } from './access/visible-tenants';
import { Admission } from './connect/admission';
import { BeginStream } from './connect/begin-stream';
import { IdentifyClient } from './connect/identify-client';
import { HeadReader } from './connect/request-head';
import { StreamDoor } from './connect/stream-door';
import { StreamOpener } from './connect/stream-opener';
import { TakePlace } from './connect/take-place';
import { FanOutSpans } from './feeds/fan-out-spans';
import { TenantFeeds } from './feeds/tenant-feeds';
import { Lifetimes } from './live/lifetime';
import { OpenStreams } from './live/open-streams';
import { ProblemAnswers } from './problems/problem-answers';
import { RequestCheck } from './request/before-request';
import { GatewayConfig } from './config';

/** Provides what streams are made of: feeds, open streams, and the ways to get one. */
export const provideStreams = (config: GatewayConfig) => [
  bind(FanOutSpans, FanOutSpans, Trace),
  {
    provide: TenantFeeds,
    useFactory: (log: EventLog, bus: EventBus, metrics: Metrics, logger: Log, spans: FanOutSpans) =>
      new TenantFeeds(
        log,
        bus,
        { ringEvents: config.FEED_RING_EVENTS, ringBytes: config.RING_BYTES },
        metrics,
        logger,
        spans,
      ),
    inject: [EventLog, EventBus, Metrics, Log, FanOutSpans],
  },
  {
    provide: OpenStreams,
    useFactory: (metrics: Metrics) => new OpenStreams(config.HEARTBEAT_MS, config.DRAIN_MS, metrics),
    inject: [Metrics],
  },
  {
    provide: Admission,
    useFactory: (slots: StreamSlots, metrics: Metrics, health: Health) =>
      new Admission(
        slots,
        {
          user: config.STREAMS_PER_USER,
          tenant: config.STREAMS_PER_TENANT,
          address: config.STREAMS_PER_ADDRESS,
          connectsPerSecond: config.CONNECTS_PER_SECOND,
          maxStreams: config.MAX_STREAMS,
        },
        metrics,
        health,
      ),
    inject: [StreamSlots, Metrics, Health],
  },
  {
    provide: Lifetimes,
    useFactory: (tenants: VisibleTenants, revocations: Revocations, logger: Log, sessions: SessionDoor) =>
      new Lifetimes(tenants, revocations, MAX_TENANTS, logger, sessions),
    inject: [VisibleTenants, Revocations, Log, SessionDoor],
  },
  bind(IdentifyClient, IdentifyClient, TokenVerifier, Tickets, VisibleTenants, Revocations, GatewayConfig, SessionDoor),
  bind(BeginStream, BeginStream, TenantFeeds, EventLog, Revocations, GatewayConfig),
  bind(TakePlace, TakePlace, Admission, OpenStreams, BeginStream),
  bind(
    StreamOpener,
    StreamOpener,
    IdentifyClient,
    TakePlace,
    BeginStream,
    Lifetimes,
    EventLog,
    GatewayConfig,
    Metrics,
    Log,
  ),
  {
    provide: StreamDoor,
    useFactory: (opener: StreamOpener, metrics: Metrics, logger: Log, check: RequestCheck) =>
      new StreamDoor(
        opener,
        new ProblemAnswers(metrics, logger),
        config.CORS_ORIGINS,
        new HeadReader(config.BASE_PATH, check.on),
        { check },
      ),
    inject: [StreamOpener, Metrics, Log, RequestCheck],
  },
];
