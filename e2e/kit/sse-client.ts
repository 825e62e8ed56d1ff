import { createParser } from 'eventsource-parser';
import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { get as getSecurely } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { SseParser, type SseEvent } from './sse-parser';

/** An event with the time at which its last byte arrived. */
export interface Frame extends SseEvent {
  receivedAt: number;
}

export interface OpenOptions {
  headers?: Readonly<Record<string, string | string[]>>;
  /** Query parameters in addition to those in `url`. */
  query?: Readonly<Record<string, string>>;
  /** The cursor of an earlier stream, and how it is sent: by default in turns as header and as query. */
  cursor?: string;
  cursorBy?: 'header' | 'query';
  /** The certificate to trust, for an https address. */
  ca?: string;
}

const WAIT_MS = 10_000;
/** How many refusals in a row make a client give up, and how long it waits between two. */
const MAX_REFUSALS = 30;
const RETRY_MS = 500;
const ENTRY_EVENTS = ['inventory_alert', 'notification', 'alert_update'];

/** One connection to an event stream, over plain node:http or node:https. It keeps every byte. */
export class SseStream {
  readonly frames: Frame[] = [];
  /** When the response's head arrived, in milliseconds of `performance.now()`. */
  headAt = 0;
  status = 0;
  headers: IncomingHttpHeaders = {};
  private readonly chunks: Buffer[] = [];
  private readonly parser = new SseParser((event) => this.frames.push({ ...event, receivedAt: performance.now() }));
  private readonly waiting = new Set<() => void>();
  private response!: IncomingMessage;
  private hasEnded = false;
  /** Resolves when no more bytes will come. */
  readonly ended: Promise<void>;
  private end!: () => void;

  private constructor() {
    this.ended = new Promise((resolve) => {
      this.end = () => {
        this.hasEnded = true;
        resolve();
        this.wake();
      };
    });
  }

  /** Resolves with the head of the response, for any status. */
  static open(
    url: string,
    { headers = {}, query = {}, cursor, cursorBy = 'header', ca }: OpenOptions = {},
  ): Promise<SseStream> {
    const address = new URL(url);
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
    if (cursor && cursorBy === 'query') address.searchParams.set('last_event_id', cursor);
    const sent = {
      Accept: 'text/event-stream',
      ...headers,
      ...(cursor && cursorBy === 'header' ? { 'Last-Event-ID': cursor } : {}),
    };
    const stream = new SseStream();
    return new Promise((resolve, reject) => {
      const send = address.protocol === 'https:' ? getSecurely : get;
      const request = send(address, { headers: sent, agent: false, ca }, (response) => {
        stream.take(response);
        resolve(stream);
      });
      request.setTimeout(
        WAIT_MS,
        () => !stream.status && request.destroy(new Error(`${address.pathname} sent no head within ${WAIT_MS} ms`)),
      );
      request.on('error', (error) => {
        stream.end();
        reject(error);
      });
    });
  }

  /** The position of the stream as a browser would have it now. */
  get cursor(): string {
    return this.parser.lastEventId;
  }

  get retryMs(): number | undefined {
    return this.parser.retryMs;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  get open(): boolean {
    return !this.hasEnded;
  }

  /** What the parser found wrong, and where an independent parser reads the same bytes differently. */
  get faults(): string[] {
    const others: { event: string; data: string; id: string | undefined }[] = [];
    createParser({ onEvent: ({ event, data, id }) => others.push({ event: event ?? 'message', data, id }) }).feed(
      this.text,
    );
    const ours = this.frames.map(({ event, data, id }) => ({ event, data, id }));
    return JSON.stringify(others) === JSON.stringify(ours)
      ? this.parser.faults
      : [...this.parser.faults, 'eventsource-parser reads other events'];
  }

  /** The frames that carry an entry. */
  get entries(): Frame[] {
    return this.frames.filter(({ event }) => ENTRY_EVENTS.includes(event));
  }

  /** The first frame that matches, received already or within `timeoutMs`. */
  async frame(is: ((frame: Frame) => boolean) | string, timeoutMs = WAIT_MS): Promise<Frame> {
    const matches = typeof is === 'string' ? (frame: Frame) => frame.event === is : is;
    const found = await this.until(() => this.frames.find(matches), timeoutMs);
    if (found) return found;
    throw new Error(
      `No such frame ${this.open ? `within ${timeoutMs} ms` : 'before the end'}: ${is.toString()}. What came, status ${this.status}:\n${this.text.slice(-2_000)}`,
    );
  }

  /** The entry of a producer's message. */
  entry(eventId: string, timeoutMs?: number): Promise<Frame> {
    return this.frame(({ data }) => data.includes(`"event_id":${JSON.stringify(eventId)}`), timeoutMs);
  }

  /**
   * Resolves to the result of `read` as soon as it is defined; to undefined at the end of the stream or of the time.
   */
  private async until<T>(read: () => T | undefined, timeoutMs: number): Promise<T | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const value = read();
      const left = deadline - performance.now();
      if (value !== undefined || this.hasEnded || left <= 0) return value;
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, left);
        this.waiting.add(done);
      });
    }
  }

  /** The complete body, once the other side has ended it. */
  async body(): Promise<string> {
    await this.ended;
    return this.text;
  }

  /** Closes the connection, even in the middle of a frame. */
  close(): void {
    this.response.destroy();
    this.end();
  }

  private take(response: IncomingMessage): void {
    this.response = response;
    this.headAt = performance.now();
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    const isStream = response.headers['content-type']?.startsWith('text/event-stream') ?? false;
    response.on('data', (chunk: Buffer) => {
      if (this.hasEnded) return;
      this.chunks.push(chunk);
      if (isStream) this.parser.push(chunk);
      this.wake();
    });
    for (const event of ['end', 'close', 'error']) response.on(event, () => this.end());
  }

  private wake(): void {
    for (const done of [...this.waiting]) done();
  }
}

/** A client that reconnects with its cursor, to any gateway, and so has one transcript of many streams. */
export class SseClient {
  private readonly streams: SseStream[] = [];
  private cursor: string | undefined;

  constructor(
    readonly name: string,
    private readonly options: OpenOptions = {},
  ) {}

  get current(): SseStream | undefined {
    const stream = this.streams.at(-1);
    return stream?.open ? stream : undefined;
  }

  get connections(): number {
    return this.streams.length;
  }

  /** Every frame of every stream, in the order of arrival. */
  get frames(): Frame[] {
    return this.streams.flatMap(({ frames }) => frames);
  }

  get entries(): Frame[] {
    return this.streams.flatMap(({ entries }) => entries);
  }

  get faults(): string[] {
    return this.streams.flatMap(({ faults }) => faults);
  }

  /**
   * Connects where the last stream ended. When a refusal asks the client to come back, it does, but sooner than it was
   * told.
   */
  async connect(url: string): Promise<SseStream> {
    for (let attempt = 1; ; attempt += 1) {
      const cursorBy = this.streams.length % 2 === 0 ? 'header' : 'query';
      const stream = await SseStream.open(url, {
        ...this.options,
        cursorBy,
        ...(this.cursor ? { cursor: this.cursor } : {}),
      });
      this.streams.push(stream);
      const first = await stream.frame(({ event }) => event === 'connection' || event === 'close');
      if (first.event === 'connection') return stream;
      if (attempt === MAX_REFUSALS || !first.data.includes('"action":"reconnect"'))
        throw new Error(`${this.name} was refused: ${first.data}`);
      await sleep(RETRY_MS);
    }
  }

  disconnect(): void {
    const stream = this.streams.at(-1);
    stream?.close();
    if (stream?.cursor) this.cursor = stream.cursor;
  }
}
