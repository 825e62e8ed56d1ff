import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Metrics } from '@tocsin/observability';
import { OPENING } from '../frames/control-frame';
import { GZIP_FIELD, type GzipStream, type SharedBytes } from '../frames/gzip';
import { streamHead } from '../http/response-head';
import { atEndOfTurn } from './turn';

export interface StreamLimits {
  /** Bytes that may wait for a client to read them, as they are written; beyond it the stream is closed as `slow`. */
  backlogBytes: number;
  /** How long a client may take none of them while its history is replayed, in milliseconds. */
  stallMs: number;
}

/** After so much silence the kernel asks whether the other end is still there, and gives up 10 s later (libuv: ten probes, 1 s apart). */
const KEEP_ALIVE_MS = 5_000;
/** How long a closing stream may take to deliver its last frame. */
const CLOSE_GRACE_MS = 1_000;

/** What a writer tells its stream. */
export interface WriterEvents {
  /** The connection is closed or broken. */
  onGone(): void;
  /** The client does not keep up: too much waits for it, or it took nothing for too long. */
  onSlow(): void;
}

/**
 * Writes one SSE response to a raw socket: the head, then whole frames (no chunked encoding, no copy a client). What waits for
 * the client is bounded, and beyond the bound the stream is told; nothing is left out. Without `gzip` the stream is plain.
 */
export class SocketWriter {
  private opened = false;
  /** The comment and what was said since, while they wait for the end of the turn so that they leave in one write with the head. */
  private opening: string | undefined;
  /** Bytes that the kernel had taken when `hasStalled` was asked last. */
  private taken = 0;

  /**
   * `socket` has had a request read from it, and whatever else comes from it is of no interest. `fields` are the header's that
   * are not the stream's own: whole lines.
   */
  constructor(
    private readonly socket: Socket,
    private readonly fields: string,
    private readonly limits: StreamLimits,
    private readonly metrics: Pick<Metrics, 'sseBytesSent'>,
    private readonly events: WriterEvents,
    private readonly gzip?: GzipStream,
  ) {
    socket.on('close', this.onSocketClosed);
    socket.on('error', this.onSocketClosed);
  }

  /** Whether the head is out or will be at the end of this turn: nothing can be refused with a status any more. */
  get isOpen(): boolean {
    return this.opened;
  }

  /** The socket's other end. */
  get peer(): Pick<Socket, 'remoteAddress' | 'remotePort'> {
    return this.socket;
  }

  /** Whether more waits than the socket likes to hold: a replay goes on when `drained` resolves. */
  get needsDrain(): boolean {
    return this.socket.writableNeedDrain;
  }

  /** Sends the head and a comment, in one write with whatever follows in this turn of the event loop. May be called twice. */
  open(): void {
    if (this.opened) return;
    this.opened = true;
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.opening = OPENING;
    atEndOfTurn(this);
  }

  /** Writes what was kept back for this turn. */
  endTurn(): void {
    if (this.opening !== undefined && !this.socket.destroyed) this.send(this.toWire(''));
  }

  /** Writes a frame of this stream's own, behind what was kept back. */
  write(frame: string): void {
    if (this.opening === undefined) this.send(this.toWire(frame));
    else this.opening += frame;
  }

  /** Writes what other streams get too, and returns how many bytes it takes on the wire. */
  writeShared(part: SharedBytes): number {
    const isFirst = this.beginFirst();
    const bytes = this.gzip ? this.gzip.shared(part) : part.bytes;
    this.send(bytes);
    if (isFirst) this.socket.uncork();
    return bytes.length;
  }

  /** The same for pieces in one write: text of this stream's own, and what other streams get too. */
  writePieces(pieces: readonly (string | SharedBytes)[]): number {
    const isFirst = this.beginFirst();
    const bytes = Buffer.concat(pieces.map((piece) => this.encode(piece)));
    this.send(bytes);
    if (isFirst) this.socket.uncork();
    return bytes.length;
  }

  /** Writes the last frame and ends the connection, after a moment by force. */
  finish(frame: string): void {
    this.socket.end(this.toWire(frame, true));
    setTimeout(() => this.socket.destroy(), CLOSE_GRACE_MS).unref();
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Lets go of the socket, on which nothing was written: another answers on it. */
  abandon(): void {
    this.socket.off('close', this.onSocketClosed);
    this.socket.off('error', this.onSocketClosed);
  }

  /** Whether something waits and none of it has left since this was asked last: nobody reads at the other end. */
  hasStalled(): boolean {
    const waiting = this.socket.writableLength;
    const taken = this.socket.bytesWritten - waiting;
    const stalled = waiting > 0 && taken === this.taken;
    this.taken = taken;
    return stalled;
  }

  /** Waits until the client has read what was written. It is slow when that takes longer than it may stall. */
  async drained(): Promise<void> {
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

  /** Writes what was kept back, if anything was, so that it leaves in one write with what follows until `uncork`. */
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

  /** Text of our own as it leaves: behind the head and what was kept back, if those have not left yet. */
  private toWire(text: string, isLast = false): Buffer | string {
    const { opening } = this;
    this.opening = undefined;
    const body = opening === undefined ? text : opening + text;
    const bytes = this.gzip?.own(body, isLast) ?? body;
    this.metrics.sseBytesSent.inc(Buffer.byteLength(bytes));
    if (opening === undefined) return bytes;
    const head = streamHead(this.gzip ? this.fields + GZIP_FIELD : this.fields);
    return typeof bytes === 'string' ? head + bytes : Buffer.concat([Buffer.from(head), bytes]);
  }

  private send(bytes: Buffer | string): void {
    this.socket.write(bytes);
    if (this.socket.writableLength > this.limits.backlogBytes) this.events.onSlow();
  }
}
