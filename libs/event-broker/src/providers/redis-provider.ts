import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { fullJitter } from '@tocsin/timing/back-off';
import { within } from '@tocsin/timing/deadline';
import { BrokerError } from '../broker-error';
import { reviveEvent, type BrokerEvent, type EventStatus } from '../event';
import {
  ABANDONED_AT_ONCE,
  EventProvider,
  patternsOf,
  type AbandonedClaim,
  type Claim,
  type EventFilter,
  type ProviderStats,
  type StatusChange,
  type StreamRequest,
} from '../event-provider';
import { guarded } from '../listeners';
import { patternRegex } from '../pattern-trie';
import { BatchWriter } from './batch-writer';
import { passes } from './event-filter';
import { decodePayload, DEFAULT_COMPRESS_ABOVE_BYTES, encodePayload } from './payload-codec';
import {
  ABANDONED,
  CLAIM,
  COMPLETE_CLAIM,
  COMPLETE_REDRIVEN,
  DELETE,
  PUBLISH,
  REOPEN_CLAIMS,
  UPDATE,
} from './redis-scripts';

export interface RedisProviderOptions {
  /**
   * For commands, of one Redis: a Redis Cluster is refused. Each stream duplicates it for its reads. The provider does
   * not close it, and sets no time for its replies: ioredis's `commandTimeout` does.
   */
  client: Redis;
  /** The stream; other keys begin with it. Default `resolvespec:events`. */
  streamName?: string;
  /** How long events are kept, in milliseconds. Default 604,800,000 (7 days). What is older is gone, handled or not. */
  retentionMs?: number;
  /** Payloads from this size on are compressed, in bytes of JSON. Default 8,192; null turns it off. */
  compressAboveBytes?: number | null;
  /** Called when Redis fails in the background. The provider tries again by itself. */
  onTrouble?: (error: unknown) => unknown;
}

interface Written {
  event: BrokerEvent;
  origin: string;
  isPublished: boolean;
}

/** What a stream reads at once, and how long one read waits, in milliseconds. */
const PAGE = 500;
const BLOCK_MS = 1_000;
/** A connection from which nothing came for so long, while a reply is awaited, is given up for another one. */
const SILENT_AFTER_MS = BLOCK_MS + 3_000;
const BACK_OFF = { firstMs: 200, capMs: 5_000, floorMs: 100 };
const STATUSES: readonly EventStatus[] = ['pending', 'processing', 'completed', 'failed'];
const FIELDS = ['json', 'status', 'retry_count', 'error', 'processed_ms', 'completed_ms'] as const;

/**
 * Keeps events in a stream of Redis (6.2 or later). Each stream of a broker reads it from its own position: there is no
 * consumer group that could give an event to one subscription and withhold it from another. What Redis has acknowledged
 * it may lose in a crash, as its settings of persistence say. There is no support for a Redis Cluster: a client of one
 * Redis does not follow the keys to another node, so after a failover nothing would be published or heard.
 */
export class RedisProvider extends EventProvider {
  private readonly name: string;
  private readonly retentionMs: number;
  private readonly writes: BatchWriter<Written>;
  private readonly updates: BatchWriter<StatusChange>;
  private readonly closing = new AbortController();
  private readonly trouble: (error: unknown) => void;
  private published = 0;
  private consumed = 0;
  private streams = 0;

  constructor(private readonly options: RedisProviderOptions) {
    super();
    if (options.client.isCluster) throw clusterRefused();
    this.name = options.streamName ?? 'resolvespec:events';
    this.retentionMs = options.retentionMs ?? 7 * 86_400_000;
    if (!Number.isSafeInteger(this.retentionMs) || this.retentionMs < 1)
      throw new BrokerError('invalid_configuration', 'retentionMs is whole milliseconds from 1.');
    this.trouble = guarded(options.onTrouble);
    // a script holds up all other clients of Redis while it runs
    this.writes = new BatchWriter((items) => this.write(items), 200);
    this.updates = new BatchWriter((items) => this.update(items), 200);
  }

  /** Rejects when Redis does not answer, and when it is a node of a cluster. */
  async open(): Promise<void> {
    const { client } = this.options;
    await client.ping();
    // a user who may not call INFO is told nothing
    if (/^cluster_enabled:1/m.test(await client.info('cluster').catch(() => ''))) throw clusterRefused();
  }

  store(events: readonly BrokerEvent[]): Promise<void> {
    return this.writes.add(events.map((event) => ({ event, origin: '', isPublished: false })));
  }

  async publish(events: readonly BrokerEvent[], origin = ''): Promise<void> {
    await this.writes.add(events.map((event) => ({ event, origin, isPublished: true })));
    this.published += events.length;
  }

  async get(id: string): Promise<BrokerEvent | undefined> {
    return (await this.read([id]))[0];
  }

  /** Redis does not filter: this reads the stream page by page, up to the events that are wanted. */
  async list(filter: EventFilter = {}): Promise<BrokerEvent[]> {
    const { limit = 100, offset = 0, after_id, status } = filter;
    let from = '-';
    if (after_id !== undefined) {
      const entry = await this.options.client.hget(this.eventKey(after_id), 'entry');
      if (!entry) throw new BrokerError('unknown_event', 'after_id names no event.');
      from = `(${entry}`;
    }
    const isWanted = passes(filter);
    const found: BrokerEvent[] = [];
    // nothing has this status: the stream need not be read
    if (status !== undefined && (await this.options.client.zcard(this.statusKey(status))) === 0) return found;
    while (found.length < offset + limit) {
      const entries = await this.options.client.xrange(this.name, from, '+', 'COUNT', PAGE);
      const events = await this.read(entries.map(([, fields]) => idOf(fields)));
      for (const event of events) if (event && isWanted(event)) found.push(event);
      if (entries.length < PAGE) break;
      from = `(${entries.at(-1)![0]}`;
    }
    return found.slice(offset, offset + limit);
  }

  updateStatus(changes: readonly StatusChange[]): Promise<void> {
    return this.updates.add(changes);
  }

  async completeRedriven({ id, completed_at }: BrokerEvent, retry_count: number, at: Date): Promise<void> {
    const instants = [String(at.getTime()), String(completed_at?.getTime() ?? '')];
    await this.options.client.eval(COMPLETE_REDRIVEN, 1, this.name, id, retry_count, ...instants);
  }

  async delete(id: string): Promise<boolean> {
    return (await this.options.client.eval(DELETE, 1, this.name, id)) === 1;
  }

  async stream(request: StreamRequest): Promise<AsyncIterable<BrokerEvent>> {
    const [newest] = await this.options.client.xrevrange(this.name, '+', '-', 'COUNT', 1);
    const signal = AbortSignal.any([request.signal, this.closing.signal]);
    return this.readStream({ ...request, signal }, newest?.[0] ?? '0-0');
  }

  async claim(claim: Claim, leaseMs: number): Promise<boolean> {
    return (await this.onClaim(CLAIM, claim, leaseMs, this.retentionMs)) === 1;
  }

  async completeClaim(claim: Claim): Promise<void> {
    await this.onClaim(COMPLETE_CLAIM, claim);
  }

  async reopenClaims(eventId: string): Promise<void> {
    await this.options.client.eval(REOPEN_CLAIMS, 1, this.name, eventId);
  }

  async abandoned(groups: readonly string[]): Promise<AbandonedClaim[]> {
    const found = (await this.options.client.eval(ABANDONED, 1, this.name, ABANDONED_AT_ONCE, ...groups)) as string[];
    return found.map((text) => JSON.parse(text) as [id: string, group: string]).map(([id, group]) => ({ id, group }));
  }

  async stats(): Promise<ProviderStats> {
    const counts = await Promise.all(STATUSES.map((status) => this.options.client.zcard(this.statusKey(status))));
    const [pending_events, processing_events, completed_events, failed_events] = counts as [
      number,
      number,
      number,
      number,
    ];
    return {
      provider_type: 'redis',
      total_events: counts.reduce((sum, count) => sum + count, 0),
      pending_events,
      processing_events,
      completed_events,
      failed_events,
      events_published: this.published,
      events_consumed: this.consumed,
      active_subscribers: this.streams,
      provider_specific: { stream_name: this.name },
    };
  }

  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([this.writes.drained(), this.updates.drained()]);
  }

  private onClaim(script: string, { id, group, claimant }: Claim, ...more: (string | number)[]): Promise<unknown> {
    return this.options.client.eval(script, 1, this.name, id, group, claimant, heldMember(id, group), ...more);
  }

  private eventKey(id: string): string {
    return `${this.name}:event:${id}`;
  }

  private statusKey(status: EventStatus): string {
    return `${this.name}:status:${status}`;
  }

  /** Runs of equal origin are one script each. */
  private async write(items: readonly Written[]): Promise<void> {
    for (let from = 0; from < items.length;) {
      const { origin, isPublished } = items[from]!;
      let to = from;
      while (to < items.length && items[to]!.origin === origin && items[to]!.isPublished === isPublished) to += 1;
      const events = items.slice(from, to).flatMap(({ event }) => [event.id, this.jsonOf(event), event.status]);
      const oldest = String(Date.now() - this.retentionMs);
      const header = [isPublished ? '1' : '0', origin, oldest, String(this.retentionMs)];
      await this.options.client.eval(PUBLISH, 1, this.name, ...header, ...events);
      from = to;
    }
  }

  private async update(changes: readonly StatusChange[]): Promise<void> {
    const given = changes.flatMap(({ id, status, retry_count, error, given_up, at }) => [
      id,
      status,
      retry_count === undefined ? '' : String(retry_count),
      error ?? '',
      String(at.getTime()),
      given_up?.claimant ?? '',
      JSON.stringify((given_up?.groups ?? []).map((group) => [group, heldMember(id, group)])),
    ]);
    await this.options.client.eval(UPDATE, 1, this.name, ...given);
  }

  private jsonOf(event: BrokerEvent): string {
    const { compressAboveBytes = DEFAULT_COMPRESS_ABOVE_BYTES } = this.options;
    const { json, gzip } = encodePayload(event.payload, compressAboveBytes);
    return gzip
      ? JSON.stringify({ ...event, payload: undefined, payload_gzip: gzip.toString('base64') })
      : `${JSON.stringify({ ...event, payload: undefined }).slice(0, -1)},"payload":${json}}`;
  }

  private async read(ids: readonly string[], client = this.options.client): Promise<(BrokerEvent | undefined)[]> {
    if (ids.length === 0) return [];
    const pipeline = client.pipeline();
    for (const id of ids) pipeline.hmget(this.eventKey(id), ...FIELDS);
    const replies = (await pipeline.exec()) ?? [];
    return replies.map(([error, reply]) => {
      if (error) throw error;
      return eventOf(reply as (string | null)[]);
    });
  }

  /**
   * The reply to a stream. A connection that was dropped without a word (by a firewall, or with its machine) has no
   * error before the system gives up sending, after many minutes. So it is given up when it is silent; ioredis makes
   * another, and asks there again. A large page takes its time: each of its bytes is a sign of life.
   */
  private async answered<Reply>(client: Redis, reply: Promise<Reply>, signal: AbortSignal): Promise<Reply> {
    for (;;) {
      const stream = client.stream as Redis['stream'] | undefined; // there is none before the first connection
      const heard = stream?.bytesRead;
      const isLate = await within(
        SILENT_AFTER_MS,
        reply.then(() => false),
        () => true,
      );
      if (!isLate) return reply;
      signal.throwIfAborted();
      const isConnected = client.status === 'ready' || client.status === 'connect';
      if (!isConnected || client.stream !== stream || stream?.bytesRead !== heard) continue;
      this.trouble(new Error(`Redis was silent for ${SILENT_AFTER_MS} ms.`));
      client.disconnect(true);
    }
  }

  /** A lost connection is made again; the position stays, so that what came meanwhile is read then. */
  private async *readStream(request: StreamRequest, from: string): AsyncGenerator<BrokerEvent> {
    const { signal, withoutOrigin } = request;
    const client = this.options.client.duplicate({
      lazyConnect: true,
      enableOfflineQueue: true,
      autoResendUnfulfilledCommands: true, // a reply that is awaited comes over the next connection
      commandTimeout: undefined, // a read waits longer than the service may want to wait for a command
      disconnectTimeout: 500,
    });
    client.on('error', this.trouble);
    const answered = <Reply>(reply: Promise<Reply>) => this.answered(client, reply, signal);
    const stop = () => client.disconnect();
    signal.addEventListener('abort', stop);
    this.streams += 1;
    let position = from;
    try {
      for (let failures = 0; !signal.aborted;) {
        try {
          const reply = await answered(client.xread('COUNT', PAGE, 'BLOCK', BLOCK_MS, 'STREAMS', this.name, position));
          failures = 0;
          const entries = reply?.[0]?.[1] ?? [];
          const wanted = entries.filter(([, fields]) => isHeard(fields, withoutOrigin));
          const ids = wanted.map(([, fields]) => idOf(fields));
          const events = await answered(this.read(ids, client));
          const patterns = patternsOf(request).map((pattern) => new RegExp(patternRegex(pattern)));
          for (const event of events) {
            if (!event || !patterns.some((pattern) => pattern.test(event.type))) continue;
            if (signal.aborted) return;
            this.consumed += 1;
            yield event;
          }
          position = entries.at(-1)?.[0] ?? position;
        } catch (error) {
          if (signal.aborted) return;
          this.trouble(error);
          const pauseMs = fullJitter(failures, BACK_OFF);
          failures += 1;
          await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
        }
      }
    } finally {
      this.streams -= 1;
      signal.removeEventListener('abort', stop);
      client.disconnect();
    }
  }
}

const clusterRefused = () =>
  new BrokerError(
    'invalid_configuration',
    'The option client of RedisProvider must lead to one Redis: a Redis Cluster is not supported.',
  );

const valueOf = (fields: readonly string[], name: string): string => fields[fields.indexOf(name) + 1] ?? '';
const idOf = (fields: readonly string[]): string => fields[1] ?? '';
const isHeard = (fields: readonly string[], withoutOrigin: string | undefined): boolean =>
  fields[3] === '1' && (withoutOrigin === undefined || valueOf(fields, 'origin') !== withoutOrigin);

function eventOf([json, status, retries, error, processed, completed]: (string | null)[]): BrokerEvent | undefined {
  if (!json) return undefined;
  const { payload_gzip, ...event } = reviveEvent(json) as BrokerEvent & { payload_gzip?: string };
  const instant = (ms: string | null | undefined, before: Date | undefined) => (ms ? new Date(Number(ms)) : before);
  return {
    ...event,
    status: status as EventStatus,
    retry_count: retries ? Number(retries) : event.retry_count,
    error: error || undefined,
    payload: payload_gzip
      ? decodePayload({ json: null, gzip: Buffer.from(payload_gzip, 'base64') })
      : (event.payload ?? null),
    user_id: event.user_id,
    session_id: event.session_id,
    processed_at: instant(processed, event.processed_at),
    completed_at: instant(completed, event.completed_at),
  };
}

/** What stands for a claim in `:held:<group>`. */
const heldMember = (id: string, group: string): string => JSON.stringify([id, group]);
