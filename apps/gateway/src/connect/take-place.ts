import { Refused, type ConnectionFrame } from '@tocsin/contracts';
import { personOf } from '@tocsin/auth';
import type { EventStream } from '../live/event-stream';
import { rotationMs } from '../live/lifetime';
import type { OpenStreams } from '../live/open-streams';
import type { Admission } from './admission';
import type { BeginStream } from './begin-stream';
import type { Client } from './identify-client';
import type { StreamRequest } from './stream-request';

/** Credentials of clients that reconnect by themselves, with the cursor of their last frame. */
const RESUMABLE: readonly StreamRequest['credential']['kind'][] = ['ticket', 'cookie', 'session'];

/**
 * Gives a stream its place: under the limits of all gateways, among the streams of this gateway, and in the event log
 * of each tenant.
 */
export class TakePlace {
  constructor(
    private readonly admission: Pick<Admission, 'admit'>,
    private readonly streams: OpenStreams,
    private readonly beginStream: BeginStream,
  ) {}

  /**
   * Returns the frame that the client gets first; undefined when the client has left in the meantime. The places are
   * given back when the stream ends. `address`: the address that the client connects from. Throws `Refused` when a
   * limit is reached, and `Unavailable` when the event log is unavailable.
   */
  async of(
    stream: EventStream,
    { right, memberships }: Client,
    request: StreamRequest,
    address: string,
  ): Promise<ConnectionFrame | undefined> {
    const tenant_ids = memberships.map(({ tenant_id }) => tenant_id);
    stream.whenEnded(await this.admission.admit({ user: personOf(right), tenant_ids, address }));
    if (stream.closed) return undefined;
    // Checked after the last await before the stream is counted, so that a drain misses no stream.
    if (this.streams.isDraining) throw new Refused('draining', 'This gateway is about to stop. Come back in a moment.');
    stream.closeAt(right.expires_at);
    stream.rotateIn(rotationMs(RESUMABLE.includes(request.credential.kind) || request.start.kind === 'cursor'));
    this.streams.add(stream);
    // An EventSource gets its response before the event log is read: its `open` fires at once, and a later failure is
    // reported in the stream.
    if (request.namesEventStream) stream.open();
    const connection = await this.beginStream.begin(stream, memberships, request);
    return stream.closed ? undefined : connection;
  }
}
