import { Refused, type ConnectionFrame } from '@tocsin/contracts';
import { personOf } from '@tocsin/auth';
import type { EventStream } from '../live/event-stream';
import { rotationMs } from '../live/lifetime';
import type { OpenStreams } from '../live/open-streams';
import type { Admission } from './admission';
import type { BeginStream } from './begin-stream';
import type { Client } from './identify-client';
import type { StreamRequest } from './stream-request';

/** The credentials of clients that come back by themselves, with the cursor of their last frame. */
const RESUMABLE: readonly StreamRequest['credential']['kind'][] = ['ticket', 'cookie'];

/** Where: a place among the streams of all gateways, among those of this one, and in the log of each tenant. */
export class TakePlace {
  constructor(
    private readonly admission: Pick<Admission, 'admit'>,
    private readonly streams: OpenStreams,
    private readonly beginStream: BeginStream,
  ) {}

  /**
   * Returns what the client is told first; undefined when it has left meanwhile. Its places are given back when the stream has
   * ended. `address`: where the client connects from. Throws `Refused` where there is no room, `Unavailable` when the log is away.
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
    // asked after the last await before the stream is counted, so that a drain misses none
    if (this.streams.isDraining) throw new Refused('draining', 'This gateway is about to stop. Come back in a moment.');
    stream.closeAt(right.expires_at);
    stream.rotateIn(rotationMs(RESUMABLE.includes(request.credential.kind) || request.start.kind === 'cursor'));
    this.streams.add(stream);
    // An EventSource is answered before the log is asked: its `open` fires at once, and what fails later is told in the stream.
    if (request.namesEventStream) stream.open();
    const connection = await this.beginStream.begin(stream, memberships, request);
    return stream.closed ? undefined : connection;
  }
}
