import { JetStreamApiError, PubHeaders, type PubAck } from '@nats-io/jetstream';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { QueueFull, Unavailable } from '@tocsin/contracts';
import type { QueueKind } from '@tocsin/contracts/ports';
import type { NatsConnection } from './connection';
import { isStreamMissing, jetstreamOf } from './jetstream-admin';
import { headersOf, messageOf, placeOf, RETURNS_HEADER } from './nats-message';
import type { NatsStreams } from './nats-streams';
import { isPublished, STREAMS, tailOf, tailOfSubject, type StreamRole } from './subjects';

const ANSWER_WITHIN_MS = 4_500;
/** The code with which JetStream refuses a message that its stream has no room for. */
const STREAM_IS_FULL = 10_077;

/** A message to be stored in a stream. */
export interface Outgoing {
  /** Without the prefix. */
  subject: string;
  body: Uint8Array;
  headers: MsgHdrs;
  /** Under the same id the server stores a message once within its window. It names tenant and content, or a place. */
  dedupId?: string;
}

/** Stores messages in the streams of one installation, and moves them between streams. */
export class NatsQueue {
  constructor(
    readonly connection: NatsConnection,
    readonly streams: NatsStreams,
  ) {}

  /**
   * Stores one message. Rejects with `QueueFull` or `NoStream` when it is not stored; any other error says nothing
   * about its fate.
   */
  async put({ subject, body, headers, dedupId }: Outgoing): Promise<void> {
    const ack = await this.#publish(subject, body, headers, dedupId);
    // the first one may be gone without having been stored: it was deleted by hand, or judged before a redrive
    if (!ack.duplicate || (await this.streams.has(ack))) return;
    headers.delete(PubHeaders.MsgIdHdr); // the client has written it there
    await this.#publish(subject, body, headers);
  }

  /**
   * Copies a delivered message to the end of a stream, with the id of its message. The caller acknowledges the original
   * afterwards. The server stores the copy once, also when this is tried again.
   */
  async copy(raw: Msg, from: QueueKind, to: StreamRole, returns: number): Promise<void> {
    const place = placeOf(raw);
    const headers = headersOf(messageOf(from, raw, place));
    if (from === to) headers.set(RETURNS_HEADER, String(returns));
    const subject = `${STREAMS[to]}.${tailOfSubject(raw.subject)}`;
    const id = `${from}-${place.storedAt}-${place.seq}-${to}`;
    await this.#publish(isPublished(to) ? `alerts.${tailOfSubject(raw.subject)}` : subject, raw.data, headers, id);
  }

  /** Stores a dead message, with the reason. */
  async bury(raw: Msg, from: QueueKind, why: { reason: string; detail: string }): Promise<void> {
    const place = placeOf(raw);
    const message = messageOf(from, raw, place);
    const headers = headersOf({ ...message, headers: { ...message.headers, ...why } });
    const subject = `${STREAMS.dead}.${tailOf(message.routing_key)}`;
    await this.#publish(subject, raw.data, headers, `${from}-${place.storedAt}-${place.seq}-dead`);
  }

  async #publish(subject: string, body: Uint8Array, headers: MsgHdrs, msgID?: string): Promise<PubAck> {
    const options = { headers, timeout: ANSWER_WITHIN_MS, ...(msgID !== undefined && { msgID }) };
    try {
      return await this.connection.whileConnected((client) =>
        jetstreamOf(client).publish(this.streams.prefix + subject, body, options),
      );
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === STREAM_IS_FULL)
        throw new QueueFull('nats', undefined, { cause: error });
      if (isStreamMissing(error)) throw new NoStream();
      if (error instanceof Unavailable) throw error;
      throw new Unavailable('queue', `NATS did not take the message: ${String(error)}`, {
        technology: 'nats',
        cause: error,
      });
    }
  }
}

/** No stream takes the subject, as after the loss of all data of NATS. The message is not stored. */
export class NoStream extends Unavailable {
  constructor() {
    super('queue', 'No stream takes the message.', { technology: 'nats' });
  }
}
