import type { CloseFrame, Entry } from '@tocsin/contracts/wire';
import { within } from '@tocsin/timing';
import { framesOf, openStream, type Frame } from '../event-stream';
import { printable } from '../terminal';

/** How long the head of the stream may take, and then its first frame, in milliseconds. */
const OPEN_WITHIN_MS = 10_000;

/** A stream that notes when each of the alerts that were sent arrives on it. */
export class MeasuredStream {
  /** How long each alert took from `sends` to its arrival, in milliseconds, by its id. */
  readonly arrivedMs = new Map<string, number>();
  /** Aborted when the stream is over, for any reason: what would arrive from then on is not measured. */
  readonly ended: AbortSignal;
  /** Why the stream ended by itself, as a sentence. */
  endedBecause: string | undefined;
  private readonly sentAt = new Map<string, number>();
  private readonly ending = new AbortController();
  private arrived: () => void = () => undefined;

  constructor(
    private readonly target: URL,
    private readonly token: string,
    interrupted: AbortSignal,
  ) {
    this.ended = AbortSignal.any([interrupted, this.ending.signal]);
  }

  /**
   * Resolves when the stream is open: what is published from then on arrives. Throws a sentence when it is refused, or
   * is not open in time.
   */
  async open(withinMs = OPEN_WITHIN_MS): Promise<void> {
    const { target, token, ended: signal } = this;
    const { response } = await openStream(target, { token, signal, headTimeoutMs: withinMs });
    if (response.statusCode !== 200) {
      response.resume();
      throw new Error(`${this.target.origin} refuses the stream (${response.statusCode}). npm run doctor says more.`);
    }
    const frames = framesOf(response);
    // its first frame says that it is open; a proxy that buffers sends the head and holds the frame back
    const first = await within(withinMs, frames.next(), () => {
      throw new Error(`${this.target.origin} sent no frame within ${withinMs / 1_000} s. npm run doctor says more.`);
    });
    if (first.done && !signal.aborted)
      throw new Error(`${this.target.origin} ended the stream before its first frame. npm run doctor says more.`);
    // what the gateway refuses only for now, it refuses with a stream that holds nothing else
    if (!first.done && first.value.event === 'close')
      throw new Error(`${this.target.origin} refuses the stream (${reasonIn(first.value)}). npm run doctor says more.`);
    void this.read(frames);
  }

  /** Notes that an alert is sent now, and returns the time. */
  sends(id: string): number {
    const now = performance.now();
    this.sentAt.set(id, now);
    return now;
  }

  /** Resolves when all of these have arrived, and otherwise after `withinMs` or when the stream has ended. */
  async haveArrived(ids: ReadonlySet<string>, withinMs: number): Promise<void> {
    // a signal that is aborted already tells no listener
    if (this.ended.aborted) return;
    const isComplete = () => [...ids].every((id) => this.arrivedMs.has(id));
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timeout);
        resolve();
      };
      const timeout = setTimeout(done, withinMs);
      this.ended.addEventListener('abort', done);
      this.arrived = () => {
        if (isComplete()) done();
      };
      this.arrived();
    });
  }

  close(): void {
    this.ending.abort();
  }

  private async read(frames: ReturnType<typeof framesOf>): Promise<void> {
    let why = 'The stream was cut.';
    for await (const frame of frames) {
      if (frame.event === 'close') why = `The gateway closed the stream (${reasonIn(frame)}).`;
      if (['connection', 'heartbeat', 'close', 'reset'].includes(frame.event)) continue;
      const { event_id } = JSON.parse(frame.data) as Entry;
      const sentAt = this.sentAt.get(event_id);
      if (sentAt === undefined || this.arrivedMs.has(event_id)) continue;
      this.arrivedMs.set(event_id, performance.now() - sentAt);
      this.arrived();
    }
    if (!this.ended.aborted) this.endedBecause = why;
    this.ending.abort();
  }
}

/** The reason in a `close` frame, for a person. */
const reasonIn = ({ data }: Frame): string => printable((JSON.parse(data) as CloseFrame).reason);
