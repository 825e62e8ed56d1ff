import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { corsFields, type Origins } from '../http/cors';
import type { ProblemAnswers } from '../problems/problem-answers';
import { linesOf, type RequestCheck } from '../request/before-request';
import { HeadReader, type RequestHead } from './request-head';
import { answerText } from '../http/response-head';
import type { StreamOpener } from './stream-opener';

/**
 * How long a client may take to send the head of its request, and how often that is checked; node:http has a similar
 * limit.
 */
const HEAD_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_MS = 1_000;
/**
 * A turn of the event loop accepts only one connection, even if it does nothing else. While more arrive, the loop only
 * accepts, for at most this time: the kernel's backlog holds a few thousand connections, and a client that it rejects
 * waits 1, 3, 7, 15 s before it tries again.
 */
const ACCEPT_FIRST_MS = 30;
/** After that, requests are read for at most this time before the event loop continues. */
const READ_MS = 10;

/**
 * The most pieces from which a head is assembled. With more, node:http reads on and its timeout starts anew: 64 pieces
 * are more than a slow client sends within our timeout.
 */
const MAX_PIECES = 64;

/** A connection on which no complete request has arrived yet. */
interface Visitor {
  since: number;
  /** The bytes of a head that may become a plain request, and the number of pieces in which they came. */
  part: Buffer | undefined;
  pieces: number;
}

/**
 * Runs before node:http and handles what nearly all connections carry: one plain request for a stream, which then owns
 * the connection. The objects that node:http and Express keep for a request cost as much as the rest of a stream. Every
 * other connection is passed on to node:http unchanged, with all bytes that it brought.
 */
export class StreamDoor {
  /** Connections without a complete request, in the order of arrival. */
  private readonly visitors = new Map<Socket, Visitor>();
  private readonly opening = new Set<Socket>();
  private accepted: Socket[] = [];
  private arrived = false;
  private readFrom = 0;
  private readonly behind: ((socket: Socket) => void)[] = [];
  private refuse: (socket: Socket) => void = (socket) => socket.destroy();
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private readonly headTimeoutMs: number;
  private readonly check: RequestCheck | undefined;

  constructor(
    private readonly opener: Pick<StreamOpener, 'open'>,
    private readonly answers: Pick<ProblemAnswers, 'answerTo'>,
    private readonly origins: Origins,
    private readonly heads = new HeadReader(),
    options: { headTimeoutMs?: number; check?: RequestCheck } = {},
  ) {
    this.headTimeoutMs = options.headTimeoutMs ?? HEAD_TIMEOUT_MS;
    this.check = options.check?.on ? options.check : undefined;
  }

  /** Takes over the server's new connections. Call it once, after all other `connection` listeners are registered. */
  standBefore(server: Server): void {
    for (const listener of server.listeners('connection'))
      this.behind.push((socket) => void listener.call(server, socket));
    this.refuse = (socket) =>
      server.emit('clientError', Object.assign(new Error('half a request'), { code: 'HPE_INVALID_EOF_STATE' }), socket);
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => this.accept(socket));
  }

  /** Ends the connections without a stream. May be called twice. */
  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    this.timer = undefined;
    for (const sockets of [this.accepted, this.visitors.keys(), this.opening])
      for (const socket of sockets) socket.destroy();
  }

  private accept(socket: Socket): void {
    if (this.closed) return void socket.destroy();
    socket.on('error', ignore);
    this.arrived = true;
    if (this.accepted.push(socket) > 1) return;
    this.readFrom = performance.now() + ACCEPT_FIRST_MS;
    setImmediate(this.attend);
  }

  private readonly attend = (): void => {
    const now = performance.now();
    const more = this.arrived;
    this.arrived = false;
    if (!more || now >= this.readFrom) {
      const until = now + READ_MS;
      let read = 0;
      while (read < this.accepted.length && (read % 8 > 0 || performance.now() < until))
        this.attendTo(this.accepted[read++]!);
      this.accepted.splice(0, read);
      this.readFrom = performance.now() + ACCEPT_FIRST_MS;
    }
    if (this.accepted.length > 0) setImmediate(this.attend);
  };

  private attendTo(socket: Socket): void {
    if (socket.destroyed) return;
    // The client left before this turn without sending anything: its `end` event is past and is not emitted again.
    if (socket.readableEnded) return void socket.destroy();
    this.visitors.set(socket, { since: performance.now(), part: undefined, pieces: 0 });
    this.timer ??= setInterval(() => this.dismissSlow(), TIMEOUT_CHECK_MS).unref();
    socket.on('close', this.onClose);
    socket.on('end', this.onEnd);
    socket.on('data', this.onData);
  }

  private readonly onClose = this.bound(function (door, socket) {
    door.visitors.delete(socket);
    door.opening.delete(socket);
  });

  /**
   * As with node:http, a client that ends its side has left. If it has sent part of a request, it gets an error
   * response.
   */
  private readonly onEnd = this.bound(function (door, socket) {
    if (door.visitors.get(socket)?.part) door.refuse(socket);
    else socket.destroy();
  });

  private readonly onData = this.bound(function (door, socket, chunk: Buffer) {
    const visitor = door.visitors.get(socket);
    if (!visitor) return;
    const bytes = visitor.part ? Buffer.concat([visitor.part, chunk]) : chunk;
    const head = door.heads.read(bytes);
    if (head) door.open(socket, head);
    else if (++visitor.pieces < MAX_PIECES && door.heads.mayBecomeHead(bytes)) visitor.part = bytes;
    else door.passOn(socket, bytes);
  });

  private open(socket: Socket, head: RequestHead): void {
    this.visitors.delete(socket);
    this.opening.add(socket);
    // The socket keeps flowing: further bytes are dropped, and its end is noticed.
    socket.off('data', this.onData);
    const opened = this.check ? this.openChecked(this.check, socket, head) : this.opener.open(head, socket);
    opened
      .then(
        () => this.forget(socket),
        (error: unknown) => this.answer(error, socket, head),
      )
      .finally(() => this.opening.delete(socket));
  }

  private async openChecked(check: RequestCheck, socket: Socket, head: RequestHead): Promise<void> {
    const fields = await check.of({ method: 'GET', url: head.url, headers: head.headers, socket });
    if (socket.destroyed) return;
    if (fields.length > 0) head.addedFields = linesOf(fields);
    await this.opener.open(head, socket);
  }

  /**
   * The stream listens itself now. Two listeners of an event are an array, which each socket would keep. A destroyed
   * socket may still report its error, and may have no stream that listens.
   */
  private forget(socket: Socket): void {
    if (socket.destroyed) return;
    socket.off('close', this.onClose);
    socket.off('error', ignore);
  }

  private answer(error: unknown, socket: Socket, head: RequestHead): void {
    if (socket.destroyed) return;
    const path = head.url.split('?', 1)[0]!;
    socket.write(
      answerText(
        this.answers.answerTo(error, { method: 'GET', path, headers: head.headers }),
        corsFields(this.origins, head.headers.origin) + (head.addedFields ?? ''),
      ),
    );
    socket.destroySoon();
  }

  /** Passes the connection to node:http as a new one, with all bytes that it has brought. */
  private passOn(socket: Socket, bytes: Buffer): void {
    this.visitors.delete(socket);
    socket.off('data', this.onData);
    socket.off('end', this.onEnd);
    socket.off('close', this.onClose);
    socket.off('error', ignore);
    socket.pause();
    socket.unshift(bytes);
    for (const listener of this.behind) listener(socket);
    socket.resume();
  }

  /**
   * Closes connections that sent no complete head in time. They get no response: a status would end an EventSource for
   * good.
   */
  private dismissSlow(): void {
    const latest = performance.now() - this.headTimeoutMs;
    for (const [socket, { since }] of this.visitors) {
      if (since > latest) return;
      socket.destroy();
    }
    if (this.visitors.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Creates one listener for all sockets instead of one for each: Node calls it with the socket as `this`. */
  private bound<A extends unknown[]>(
    listener: (door: StreamDoor, socket: Socket, ...args: A) => void,
  ): (this: Socket, ...args: A) => void {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- `this` is the socket in there
    const door = this;
    return function (...args) {
      listener(door, this, ...args);
    };
  }
}

/** An `error` is always followed by `close`, which is handled. */
const ignore = (): void => undefined;
