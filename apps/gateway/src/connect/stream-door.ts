import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { corsFields, type Origins } from '../http/cors';
import type { ProblemAnswers } from '../problems/problem-answers';
import { mayBecomeHead, readRequestHead, type RequestHead } from './request-head';
import { answerText } from '../http/response-head';
import type { StreamOpener } from './stream-opener';

/** How long a client may take for the head of its request, and how often that is looked at: as node:http is set up. */
const HEAD_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_MS = 1_000;
/**
 * A turn of the event loop accepts one connection, whatever else it does. While more arrive, only that is done, for so
 * long: the kernel keeps a few thousand, and whoever it turns away waits 1, 3, 7, 15 s before trying again.
 */
const ACCEPT_FIRST_MS = 30;
/** Then requests are read for so long, until the loop has its turn again. */
const READ_MS = 10;

/** Pieces that a head is put together from. Beyond it node:http reads on, with a time limit that begins anew: more than drips within ours. */
const MAX_PIECES = 64;

/** A connection of which no request is known yet. */
interface Visitor {
  since: number;
  /** A part of a head that may become a plain one, and in how many pieces it came. */
  part: Buffer | undefined;
  pieces: number;
}

/**
 * Stands before node:http and takes what nearly all connections bring: one plain request for a stream, which then has the
 * connection for itself. node:http, Express and what they keep of each request cost as much as all the rest of a stream.
 * Every other connection is passed on with the bytes it came with, as if nobody had looked at it.
 */
export class StreamDoor {
  /** In the order of their arrival. */
  private readonly visitors = new Map<Socket, Visitor>();
  private readonly opening = new Set<Socket>();
  private accepted: Socket[] = [];
  private arrived = false;
  private readFrom = 0;
  private readonly behind: ((socket: Socket) => void)[] = [];
  private refuse: (socket: Socket) => void = (socket) => socket.destroy();
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly opener: Pick<StreamOpener, 'open'>,
    private readonly answers: Pick<ProblemAnswers, 'answerTo'>,
    private readonly origins: Origins,
    private readonly headTimeoutMs = HEAD_TIMEOUT_MS,
  ) {}

  /** From here on the server's connections come here first. Once, when everybody listens who listens for connections. */
  standBefore(server: Server): void {
    for (const listener of server.listeners('connection'))
      this.behind.push((socket) => void listener.call(server, socket));
    this.refuse = (socket) =>
      server.emit('clientError', Object.assign(new Error('half a request'), { code: 'HPE_INVALID_EOF_STATE' }), socket);
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => this.accept(socket));
  }

  /** Ends the connections that have no stream yet. May be called twice. */
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
    // it has said nothing and left while it waited: its end is past, and nothing would tell of it again
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

  /** A client that ends its side has left, as for node:http; in the middle of a request, it is told. */
  private readonly onEnd = this.bound(function (door, socket) {
    if (door.visitors.get(socket)?.part) door.refuse(socket);
    else socket.destroy();
  });

  private readonly onData = this.bound(function (door, socket, chunk: Buffer) {
    const visitor = door.visitors.get(socket);
    if (!visitor) return;
    const bytes = visitor.part ? Buffer.concat([visitor.part, chunk]) : chunk;
    const head = readRequestHead(bytes);
    if (head) door.open(socket, head);
    else if (++visitor.pieces < MAX_PIECES && mayBecomeHead(bytes)) visitor.part = bytes;
    else door.passOn(socket, bytes);
  });

  private open(socket: Socket, head: RequestHead): void {
    this.visitors.delete(socket);
    this.opening.add(socket);
    // it goes on flowing: what else it brings is dropped, and its end is noticed
    socket.off('data', this.onData);
    this.opener
      .open(head, socket)
      .catch((error: unknown) => this.answer(error, socket, head))
      .finally(() => this.opening.delete(socket));
  }

  private answer(error: unknown, socket: Socket, head: RequestHead): void {
    if (socket.destroyed) return;
    const path = head.url.split('?', 1)[0]!;
    socket.write(
      answerText(
        this.answers.answerTo(error, { path, headers: head.headers }),
        corsFields(this.origins, head.headers.origin),
      ),
    );
    socket.destroySoon();
  }

  /** To node:http, as a connection that has just come, with all that it has brought. */
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

  /** Whoever has not said in time what they want, as an answer would be none that they could read. */
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

  /** One listener for all sockets rather than one for each: Node calls it with the socket as `this`. */
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

/** Followed by `close`, which is what matters. */
const ignore = (): void => undefined;
