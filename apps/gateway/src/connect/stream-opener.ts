import type { Socket } from 'node:net';
import type { ConnectionFrame } from '@tocsin/contracts';
import type { EventLog } from '@tocsin/contracts/ports';
import type { Log, Metrics } from '@tocsin/observability';
import type { GatewayConfig } from '../config';
import { GzipStream } from '../frames/gzip';
import { viewOf } from '../frames/view';
import { corsFields } from '../http/cors';
import { EventStream } from '../live/event-stream';
import type { Held, Lifetimes } from '../live/lifetime';
import { clientAddress } from '../request/client-address';
import type { BeginStream } from './begin-stream';
import type { Client, IdentifyClient } from './identify-client';
import type { RequestHead } from './request-head';
import { readStreamRequest, type StreamRequest } from './stream-request';
import type { TakePlace } from './take-place';

/**
 * Handles a request for a stream in three steps: what it asks for, who the client is, and its place under the limits
 * and in the logs. Then the stream runs.
 */
export class StreamOpener {
  /** Shared by all streams. */
  private readonly limits: ConstructorParameters<typeof EventStream>[3];

  constructor(
    private readonly identifyClient: IdentifyClient,
    private readonly takePlace: TakePlace,
    private readonly beginStream: BeginStream,
    private readonly lifetimes: Pick<Lifetimes, 'watch'>,
    private readonly log: EventLog,
    private readonly config: GatewayConfig,
    private readonly metrics: Metrics,
    private readonly logger: Log,
  ) {
    this.limits = {
      backlogBytes: config.STREAM_BACKLOG_BYTES,
      stallMs: config.STREAM_STALL_MS,
      maxReplay: config.REPLAY_MAX_EVENTS,
      basePath: config.BASE_PATH,
    };
  }

  /**
   * Opens a stream on the socket of the request and resolves when the stream is live or has ended. Throws `Refused` or
   * `Unavailable` only while nothing was written to the socket; the caller then sends the response. With `topic` it is
   * the stream of this topic.
   */
  async open(raw: RequestHead, socket: Socket, topic?: string): Promise<void> {
    const { STREAM_INITIAL_EVENTS } = this.config;
    const request = readStreamRequest(raw, STREAM_INITIAL_EVENTS, this.identifyClient.sessionCookie, topic);
    const address = clientAddress({ headers: raw.headers, socket }, this.config.TRUSTED_PROXIES);
    // The stream is created before the first await, so that a client that leaves during the lookup leaves nothing
    // behind.
    const stream = this.streamOn(socket, request, raw);
    try {
      const client = await this.identifyClient.of(request);
      if (stream.closed) return;
      const connection = await this.takePlace.of(stream, client, request, address);
      if (connection) await this.serve(stream, client, request, connection);
    } catch (error) {
      if (!stream.isOpen) {
        stream.abandon();
        throw error;
      }
      this.logger.warn({ err: error }, 'a stream ended because the log could not be read');
      stream.close('store_unavailable');
    }
  }

  private streamOn(socket: Socket, request: StreamRequest, { headers, addedFields = '' }: RequestHead): EventStream {
    const { CORS_ORIGINS, STREAM_GZIP } = this.config;
    return new EventStream(
      socket,
      corsFields(CORS_ORIGINS, headers.origin) + addedFields + (STREAM_GZIP ? 'Vary: Accept-Encoding\r\n' : ''),
      viewOf(request.filter, request.form),
      this.limits,
      this.metrics,
      this.logger,
      STREAM_GZIP && request.acceptsGzip ? new GzipStream() : undefined,
    );
  }

  private async serve(
    stream: EventStream,
    client: Client,
    request: StreamRequest,
    connection: ConnectionFrame,
  ): Promise<void> {
    stream.open();
    this.metrics.sseConnectionsOpened.inc({
      outcome: connection.verdict,
      reason: connection.tenants.find(({ reason }) => reason)?.reason ?? '',
    });
    this.lifetimes.watch(this.held(stream, client, request.tenants));
    await stream.run(connection, this.log);
  }

  /** What the stream needs to continue when its user's tenants change. */
  private held(stream: EventStream, { right, memberships }: Client, wanted: readonly string[] | null): Held {
    return {
      stream,
      right,
      wanted,
      memberships,
      change: async (now, joined) =>
        stream.run(await this.beginStream.beginAgain(stream, right, now, joined), this.log),
    };
  }
}
