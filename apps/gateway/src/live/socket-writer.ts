import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Metrics } from '@tocsin/observability';
import { OPENING } from '../frames/control-frame';
import { GZIP_FIELD, type GzipStream, type SharedBytes } from '../frames/gzip';
import { streamHead } from '../http/response-head';
import { atEndOfTurn } from './turn';

export interface StreamLimits {
  /** How many bytes, as written to the wire, may wait for a client. Beyond it the stream is closed as `slow`. */
  backlogBytes: number;
  /** How long a client may take to read what waits for it while its history is replayed, in milliseconds. */
  stallMs: number;
}

/**
 * After this silence, in milliseconds, the kernel probes whether the client is still there, and gives up 10 s later
 * (libuv: ten probes, 1 s apart).
 */
const KEEP_ALIVE_MS = 5_000;
/** The part of the backlog that live entries may fill. The rest is for the lines around them, and for other frames. */
const LIVE_SHARE = 0.75;
/** How long a closing stream may take to deliver its last frame, in milliseconds. */
const CLOSE_GRACE_MS = 1_000;

/** What a writer tells its stream. */
export interface WriterEvents {
  /** The connection is closed or broken. */
  onGone(): void;
  /** The client does not keep up: too many bytes wait for it, or it read nothing for too long. */
  onSlow(): void;
}

/**
 * Writes one SSE response to a raw socket: the response head, then whole frames, without chunked encoding and without a
 * copy for each client. The bytes that wait for the client are limited; beyond the limit the stream is notified, and no
 * frame is left out. Without `gzip` the stream is plain.
 */
export class SocketWriter {
  private opened = false;
  /**
   * The opening comment and the frames written since. They wait for the end of the turn, so that they are sent in one
   * write with the response head.
   */
  private opening: string | undefined;
  /** The number of bytes that the kernel had accepted at the last call of `hasStalled`. */
  private taken = 0;
  private draining: Promise<void> | undefined;

  /**
   * `socket` is the one from which the request was read; further data from it is ignored. `fields` are whole header
   * lines other than the stream's own.
   */
  constructor(
    private readonly socket: Socket,
    private fields: string,
    private readonly limits: StreamLimits,
    private readonly metrics: Pick<Metrics, 'sseBytesSent'>,
    private readonly events: WriterEvents,
    private readonly gzip?: GzipStream,
  ) {
    socket.on('close', this.onSocketClosed);
    socket.on('error', this.onSocketClosed);
  }

  /** Whether the response head was sent or will be at the end of this turn; no error status can be sent any more. */
  get isOpen(): boolean {
    return this.opened;
  }

  /** The address and port of the client. */
  get peer(): Pick<Socket, 'remoteAddress' | 'remotePort'> {
    return this.socket;
  }

  /** Whether more bytes wait than the socket's high-water mark: a replay continues when `drained` resolves. */
  get needsDrain(): boolean {
    return this.socket.writableNeedDrain;
  }

  /** Whether live entries of so many bytes may wait for the client beside what waits already. */
  hasRoomFor(bytes: number): boolean {
    return this.socket.writableLength + bytes <= this.limits.backlogBytes * LIVE_SHARE;
  }

  /**
   * Sends the response head and a comment, in one write with everything else of this turn of the event loop. May be
   * called twice.
   */
  open(): void {
    if (this.opened) return;
    this.opened = true;
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.opening = OPENING;
    atEndOfTurn(this);
  }

  /** Writes the bytes that waited for the end of this turn. */
  endTurn(): void {
    if (this.opening !== undefined && !this.socket.destroyed) this.send(this.toWire(''));
  }

  /** Writes a frame for this stream alone, after the bytes that wait for the end of the turn. */
  write(frame: string): void {
    if (this.opening === undefined) this.send(this.toWire(frame));
    else this.opening += frame;
  }

  /** Writes bytes that other streams share, and returns how many bytes they take on the wire. */
  writeShared(part: SharedBytes): number {
    const isFirst = this.beginFirst();
    const bytes = this.gzip ? this.gzip.shared(part) : part.bytes;
    this.send(bytes);
    if (isFirst) this.socket.uncork();
    return bytes.length;
  }

  /** The same for several pieces in one write: text for this stream alone, and bytes that other streams share. */
  writePieces(pieces: readonly (string | SharedBytes)[]): number {
    const isFirst = this.beginFirst();
    const bytes = Buffer.concat(pieces.map((piece) => this.encode(piece)));
    this.send(bytes);
    if (isFirst) this.socket.uncork();
    return bytes.length;
  }

  /** Writes the last frame and ends the connection; after a grace period the socket is destroyed. */
  finish(frame: string): void {
    this.socket.end(this.toWire(frame, true));
    setTimeout(() => this.socket.destroy(), CLOSE_GRACE_MS).unref();
  }

  /** Destroys the connection without a last frame. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Gives up the socket, on which nothing was written: other code sends the response. */
  abandon(): void {
    this.socket.off('close', this.onSocketClosed);
    this.socket.off('error', this.onSocketClosed);
  }

  /** Whether bytes wait and none of them was sent since the last call: the client reads nothing. */
  hasStalled(): boolean {
    const waiting = this.socket.writableLength;
    const taken = this.socket.bytesWritten - waiting;
    const stalled = waiting > 0 && taken === this.taken;
    this.taken = taken;
    return stalled;
  }

  /**
   * Waits until the bytes written so far have left the process. Reports the client as slow when that takes longer than
   * `stallMs`.
   */
  drained(): Promise<void> {
    return (this.draining ??= this.untilDrained().finally(() => {
      this.draining = undefined;
    }));
  }

  private async untilDrained(): Promise<void> {
    const wait = new AbortController();
    const stall = setTimeout(() => wait.abort(), this.limits.stallMs);
    try {
      await Promise.race([once(this.socket, 'drain', wait), once(this.socket, 'close', wait)]);
    } catch {
      this.events.onSlow();
    } finally {
      clearTimeout(stall);
      wait.abort();
    }
  }

  private readonly onSocketClosed = (): void => this.events.onGone();

  /**
   * Corks the socket and writes the bytes that waited for the end of the turn, if any, so that they leave in one write
   * with what follows until `uncork`.
   */
  private beginFirst(): boolean {
    if (this.opening === undefined) return false;
    this.socket.cork();
    this.endTurn();
    return true;
  }

  private encode(piece: string | SharedBytes): Buffer {
    if (typeof piece === 'string') return this.gzip ? this.gzip.own(piece) : Buffer.from(piece);
    return this.gzip ? this.gzip.shared(piece) : piece.bytes;
  }

  /**
   * Text for this stream alone as it goes on the wire: after the response head and the waiting bytes, if those were not
   * sent yet.
   */
  private toWire(text: string, isLast = false): Buffer | string {
    const { opening } = this;
    this.opening = undefined;
    const body = opening === undefined ? text : opening + text;
    const bytes = this.gzip?.own(body, isLast) ?? body;
    this.metrics.sseBytesSent.inc(Buffer.byteLength(bytes));
    if (opening === undefined) return bytes;
    const head = streamHead(this.gzip ? this.fields + GZIP_FIELD : this.fields);
    this.fields = ''; // the head is sent once, and an open stream keeps no part of it
    return typeof bytes === 'string' ? head + bytes : Buffer.concat([Buffer.from(head), bytes]);
  }

  private send(bytes: Buffer | string): void {
    this.socket.write(bytes);
    if (this.socket.writableLength > this.limits.backlogBytes) this.events.onSlow();
  }
}
