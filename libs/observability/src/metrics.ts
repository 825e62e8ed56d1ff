import { CREDENTIAL_ERROR_CODES, GAP_REASONS, REFUSED_PART_REASONS } from '@tocsin/contracts';
import { CHANNELS } from '@tocsin/contracts/wire';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  ATTEMPT_ENDS,
  BACKFILL_CAUSES,
  DELIVERY_ENDS,
  PROXY_OUTCOMES,
  REQUEST_LIMITS,
  STREAM_ENDS,
  STREAM_LIMITS,
  STREAM_OUTCOMES,
} from './label-values';
import { LabelledCounter } from './labelled-counter';
import { PoolGauge } from './pool-gauge';
import { TOTAL_EVERY_MS, TotalSamples } from './total-samples';

/** Buckets in seconds: from a warm path within one process (1 ms), past the promised 3 s, to 30 s. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30];

/** The parts of `publishToScreen`, in their order. */
const SCREEN_PARTS = ['queue', 'store', 'announce', 'fan_out', 'screen', 'total'] as const;
export type ScreenPart = (typeof SCREEN_PARTS)[number];

const STAGES = ['ingest', 'urgent', 'publish', 'total'] as const;

interface MetricsOptions {
  version: string;
  commit: string;
  /** How many tenants get a label of their own. */
  tenantLimit: number;
}

/**
 * Every metric of the process, each a field, in a registry of its own, so that two apps in one test do not share any.
 * All series of a counter are at 0 from the start. The exception is the label `tenant`, whose values are not known in
 * advance.
 */
export class Metrics {
  readonly registry = new Registry();

  // ---- streams
  readonly sseConnections = this.gauge('tocsin_sse_connections', 'Streams that are open.');
  /**
   * `outcome`: the verdict of the `connection` frame, or `refused`. `reason`: why there is a gap or why it was refused;
   * empty for other outcomes.
   */
  readonly sseConnectionsOpened = this.labelledCounter(
    'tocsin_sse_connections_opened_total',
    'Streams asked for.',
    STREAM_OUTCOMES,
  );
  /**
   * `reason`: a close reason, `client` when the client left or its socket failed, `vanished` when it no longer answers.
   */
  readonly sseConnectionsClosed = this.labelledCounter(
    'tocsin_sse_connections_closed_total',
    'Streams ended.',
    STREAM_ENDS.map((reason) => ({ reason })),
  );
  readonly sseConnectionDuration = this.histogram(
    'tocsin_sse_connection_duration_seconds',
    'How long streams lived.',
    [1, 5, 15, 60, 300, 900, 1800, 3600],
  );
  readonly sseEventsSent = this.labelledCounter(
    'tocsin_sse_events_sent_total',
    'Entries and heartbeats written to streams.',
    [{ event: 'entry' as 'entry' | 'heartbeat' }, { event: 'heartbeat' }],
  );
  readonly sseBytesSent = this.counter('tocsin_sse_bytes_sent_total', 'Bytes written to streams.');

  /**
   * `scope`: what was full (`user`, `tenant`, `address`, `gateway`), or `connects` for a user who connects too often.
   */
  readonly rateLimited = this.labelledCounter(
    'tocsin_rate_limited_total',
    'Streams refused by a limit.',
    STREAM_LIMITS.map((scope) => ({ scope })),
  );
  readonly requestsLimited = this.labelledCounter(
    'tocsin_requests_limited_total',
    'REST requests refused because a user, a token or an address had sent too many in this minute.',
    REQUEST_LIMITS.map((scope) => ({ scope })),
  );
  readonly proxiedRequests = this.labelledCounter(
    'tocsin_proxied_requests_total',
    'Requests for the services of PROXY_ROUTES.',
    PROXY_OUTCOMES.map((outcome) => ({ outcome })),
  );
  readonly streamSlotsLocal = this.counter(
    'tocsin_stream_slots_local_total',
    'Streams counted by this gateway alone, because the store of stream slots was away or slow: the caps apply to ' +
      'each gateway meanwhile.',
  );

  // ---- feeds and replay
  /**
   * `cause`, of both: `gap` (a hole among the hints), `check` (the position check found more), `hint` (a hint came
   * without its entry, which is no loss).
   */
  readonly streamBackfills = this.labelledCounter(
    'tocsin_stream_backfills_total',
    'Reads of the log that fill a feed up.',
    BACKFILL_CAUSES.map((cause) => ({ cause })),
  );
  readonly streamBackfilledEvents = this.labelledCounter(
    'tocsin_stream_backfilled_events_total',
    'Entries that a feed got from the log instead of a hint.',
    BACKFILL_CAUSES.map((cause) => ({ cause })),
  );
  readonly invalidHints = this.counter('tocsin_invalid_hints_total', 'Messages on the bus that are not valid hints.');
  readonly resets = this.labelledCounter(
    'tocsin_resets_total',
    'Tenants of streams whose history could not be continued.',
    GAP_REASONS.map((reason) => ({ reason })),
  );
  readonly replay = this.histogram(
    'tocsin_replay_seconds',
    'How long a stream that was behind in a tenant took until it was live there.',
    LATENCY_BUCKETS,
  );
  readonly replayEvents = this.histogram(
    'tocsin_replay_events',
    'Entries that a stream was behind in one tenant, including those that its filter leaves out.',
    [0, 1, 10, 50, 100, 500, 1000, 5000],
  );

  // ---- ingest
  /**
   * `result`: `stored`, `folded`, `duplicate`, `dead`, `delivery_limit` (dead because it was delivered too often
   * without being settled).
   */
  readonly ingestMessages = this.labelledCounter(
    'tocsin_ingest_messages_total',
    'Messages that left the queue.',
    (['stored', 'folded', 'duplicate', 'dead', 'delivery_limit'] as const).map((result) => ({ result })),
  );
  readonly ingestDuration = this.histogram(
    'tocsin_ingest_seconds',
    'From a batch in hand to its outcome.',
    LATENCY_BUCKETS,
  );
  readonly ingestBatchSize = this.histogram(
    'tocsin_ingest_batch_size',
    'Messages of one batch.',
    [1, 2, 5, 10, 25, 50, 100, 250, 500],
  );
  /**
   * `name`: a producer's name from the closed list that the parser understands. The app that parses messages declares
   * the values.
   */
  readonly understoodNames = new LabelledCounter<{ name: string }>(
    this.registry,
    'tocsin_understood_names_total',
    "Fields of producers that were renamed to ours, by the producer's name.",
    ['name'],
  );
  readonly unknownFields = this.counter(
    'tocsin_unknown_fields_total',
    'Unknown fields of messages, kept under metadata.',
  );
  /**
   * `stage`: `ingest` (from taken off the queue to stored), `urgent` (the same of urgent entries alone, which are
   * promised within a second), `publish` (from stored to published), `total` (from the entry's `received_at` to written
   * to the sockets of a gateway, live entries only). The processor measures the first three for every entry. The
   * gateway measures the last for a sample, and with two clocks: that of the database and its own.
   */
  readonly eventDelivery = this.histogram(
    'tocsin_event_delivery_seconds',
    `How long an entry takes, by stage: ingest (taken from the queue to stored), urgent (the same of urgent entries alone) and publish (stored to published), all of every entry in the processor; total (its received_at to written to the sockets, live) in the gateway, of one entry every ${TOTAL_EVERY_MS} ms at most, by the clocks of the database and the gateway.`,
    LATENCY_BUCKETS,
    ['stage'],
  );

  /**
   * `part`: `queue` (`occurred_at` to taken off the queue), `store` (to committed), `announce` (to arrived in the
   * gateway), `fan_out` (to written to the sockets), `screen` (to shown), `total` (all of them).
   */
  readonly publishToScreen = this.histogram<'part'>(
    'tocsin_publish_to_screen_seconds',
    'How long an alert takes to the screen, by part: queue (its occurred_at to taken off the queue), store (to committed), announce (to arrived in the gateway), fan_out (to written to the sockets), screen (to shown) and total. Of traced alerts that a client has reported as shown, by the clocks of all that take part; the clock of the client is corrected.',
    LATENCY_BUCKETS,
    ['part'],
  );

  /** `reason`: why the alert was refused. It is a dead letter; the other alerts of the same webhook were published. */
  readonly refusedParts = this.labelledCounter(
    'tocsin_refused_parts_total',
    'Alerts of a webhook over HTTP that were refused while others of it were published.',
    REFUSED_PART_REASONS.map((reason) => ({ reason })),
  );
  readonly replacedCharacters = this.counter(
    'tocsin_replaced_characters_total',
    'Characters in what other systems sent that cannot be stored, and became U+FFFD.',
  );
  readonly droppedAlerts = this.counter(
    'tocsin_dropped_alerts_total',
    'Alerts of severity none that their address drops (severity_none=drop).',
  );

  // ---- dead letters
  /** `reason`: why they are dead. Every gateway reports the same numbers: take the maximum, not the sum. */
  readonly deadLetters = this.gauge(
    'tocsin_dead_letters',
    'Open dead letters, by reason. The value is at most 15 s old.',
    ['reason'],
  );
  readonly deadLetterOldestAge = this.gauge(
    'tocsin_dead_letter_oldest_age_seconds',
    'For how long the oldest open dead letter has been waiting; 0 when there is none.',
  );

  // ---- deliveries
  /** `outcome`: the final status. A delivery that is redriven is counted again. */
  readonly deliveries = this.labelledCounter(
    'tocsin_deliveries_total',
    'Deliveries that got their final status, by channel.',
    DELIVERY_ENDS,
  );
  /** `outcome`: how the attempt ended by the record; `retry` when another one follows. */
  readonly deliveryAttempts = this.labelledCounter(
    'tocsin_delivery_attempts_total',
    'Attempts to send a delivery, by channel.',
    ATTEMPT_ENDS,
  );
  readonly deliveryAttemptDuration = this.histogram<'channel'>(
    'tocsin_delivery_attempt_seconds',
    'How long an attempt took, from the call of the provider to its answer or the end of the wait for it.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    ['channel'],
  );
  readonly deliveriesDue = this.gauge(
    'tocsin_deliveries_due',
    'Deliveries that are due and not claimed, by channel. Every notifier reports the same numbers: take the ' +
      'maximum. The value is at most 15 s old.',
    ['channel'],
  );
  readonly deliveryOldestDueAge = this.gauge(
    'tocsin_delivery_oldest_due_age_seconds',
    'For how long the oldest of them has been due; 0 when none is.',
    ['channel'],
  );
  readonly deliveryBreakersOpen = this.gauge(
    'tocsin_delivery_breakers_open',
    'Providers that this notifier leaves alone at present, since they failed several times in a row.',
    ['channel'],
  );

  // ---- dependencies
  readonly sourceRedeliveries = this.counter(
    'tocsin_source_redeliveries_total',
    'Messages that the queue delivered again.',
  );
  readonly sourceSuspects = this.counter(
    'tocsin_source_suspects_total',
    'Messages set aside to be stored alone, since they came back too often.',
  );
  readonly sourceConsumerUp = this.gauge('tocsin_source_consumer_up', '1 while messages can arrive from the queue.', [
    'queue',
  ]);
  /** Every gateway reports the same numbers: take the maximum, not the sum. */
  readonly queueMessages = this.gauge(
    'tocsin_queue_messages',
    'Messages in NATS, Redis Streams or the inbox in PostgreSQL that no processor has settled, those in hand included. ' +
      'RabbitMQ has metrics of its own. Every gateway reports the same numbers: take the maximum. The value is at most ' +
      '15 s old.',
    ['queue', 'kind'],
  );
  readonly intakeBlocked = this.gauge(
    'tocsin_intake_blocked',
    '1 while the queue takes no messages: RabbitMQ has a memory or disk alarm, or another queue is full. The value of ' +
      'another queue is at most 15 s old, and is that of gateways.',
  );
  /** `dependency`: its name in `/health`. */
  readonly dependencyUp = this.gauge(
    'tocsin_dependency_up',
    '1 while the last check of the dependency succeeded, by its name in /health. The value is at most 5 s old.',
    ['dependency'],
  );
  readonly busUp = this.gauge('tocsin_bus_up', '1 while hints can arrive.');
  readonly busSubscriberReconnects = this.counter(
    'tocsin_bus_subscriber_reconnects_total',
    'Times the subscribing connection came back.',
  );
  readonly publishFailures = this.counter(
    'tocsin_publish_failures_total',
    'Batches of hints that the bus did not take. Latency suffers, nothing else.',
  );
  readonly plainPublishFailures = this.counter(
    'tocsin_plain_publish_failures_total',
    'Batches of entries that were not sent as plain JSON (REDIS_PLAIN=publish). Nothing else suffers.',
  );
  /**
   * `result`: `published` (it is in the queue), `refused` (a dead letter), `own_entry` (an entry of a log of Tocsin,
   * which is never taken), `dropped` (too many waited, or the queue was away until the process ended).
   */
  readonly plainMessages = this.labelledCounter(
    'tocsin_plain_messages_total',
    'Plain messages of other programs (REDIS_PLAIN=bridge), by what became of them.',
    (['published', 'refused', 'own_entry', 'dropped'] as const).map((result) => ({ result })),
  );
  readonly plainTaking = this.gauge(
    'tocsin_plain_taking',
    '1 while this process takes plain messages (REDIS_PLAIN=bridge). One process of all does.',
  );
  /** `result`: `fresh` (cached), `fetched`, `stale` (the tenant service is away), `unavailable`. */
  readonly tenantLookups = this.labelledCounter(
    'tocsin_tenant_lookups_total',
    "Questions for a user's tenants.",
    (['fresh', 'fetched', 'stale', 'unavailable'] as const).map((result) => ({ result })),
  );
  /** Counted in the problem filter of the gateway, which sends the response. `reason` is the error code. */
  readonly authFailures = this.labelledCounter(
    'tocsin_auth_failures_total',
    'Requests refused for their credential.',
    CREDENTIAL_ERROR_CODES.map((reason) => ({ reason })),
  );

  private readonly eventsPublished = this.counter('tocsin_events_published_total', 'Entries published, by tenant.', [
    'tenant',
  ]);
  private readonly labelledTenants = new Set<string>();
  readonly total = new TotalSamples(this.eventDelivery.labels('total'));
  readonly pools: PoolGauge;

  constructor(private readonly options: MetricsOptions) {
    collectDefaultMetrics({ register: this.registry });
    this.eventsPublished.inc({ tenant: 'other' }, 0);
    for (const stage of STAGES) this.eventDelivery.zero({ stage });
    for (const part of SCREEN_PARTS) this.publishToScreen.zero({ part });
    for (const channel of CHANNELS) this.deliveryAttemptDuration.zero({ channel });
    this.gauge('tocsin_build_info', 'Always 1; the labels say what runs.', ['version', 'commit']).set(
      { version: options.version, commit: options.commit },
      1,
    );
    this.pools = new PoolGauge(this.registry);
  }

  /**
   * Counts published entries of a tenant. The first tenants get a label and the rest is `other`, because a label lives
   * as long as the process.
   */
  countPublished(tenant: string, events = 1): void {
    const known = this.labelledTenants.has(tenant);
    if (!known && this.labelledTenants.size < this.options.tenantLimit) this.labelledTenants.add(tenant);
    this.eventsPublished.inc({ tenant: this.labelledTenants.has(tenant) ? tenant : 'other' }, events);
  }

  private counter<L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private labelledCounter<L extends Readonly<Record<string, string>>>(
    name: string,
    help: string,
    combinations: readonly L[],
  ): LabelledCounter<L> {
    return new LabelledCounter<L>(this.registry, name, help, Object.keys(combinations[0]!)).declare(combinations);
  }

  private gauge<L extends string = never>(name: string, help: string, labelNames: L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: L[] = [],
  ): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
