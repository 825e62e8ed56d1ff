import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import { BlockedAddress, isPublicAddress } from './address-guard';

/** How long each step of a post may take, in milliseconds. */
export interface PostTimes {
  /** From the start until the TCP connection is made, DNS included. Default 3,000. */
  connectMs: number;
  /** From the connection until the head of the answer is complete, TLS included. Default 10,000. */
  headMs: number;
  /** From the head until reading of the body stops, complete or not. Default 3,000. */
  bodyMs: number;
  /** The whole post. Default 30,000. */
  totalMs: number;
}
export const POST_TIMES: PostTimes = { connectMs: 3_000, headMs: 10_000, bodyMs: 3_000, totalMs: 30_000 };

/** The most bytes that are read of a body, and the most that a head may have. */
export const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_HEAD_BYTES = 16 * 1024;

export interface Post {
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  lookup: LookupFunction;
  allowPrivate: boolean;
  times: PostTimes;
  signal: AbortSignal;
  /** A certificate authority to trust instead of the known ones; for tests. */
  ca?: string | undefined;
}

/** The result of a post. */
export type Posted =
  | { is: 'answered'; status: number; headers: IncomingMessage['headers']; body: Buffer }
  /** The receiver cannot have read anything of the request, because there was no connection to write it to. */
  | { is: 'not_reached'; why: 'timeout' | 'connection' | 'blocked'; detail: string }
  /** The receiver may have read the request, but gave no readable answer. */
  | { is: 'no_answer'; why: 'timeout' | 'connection' | 'too_large'; detail: string };

// Our own agents use no proxy of the environment and no connection of an earlier post, so the guarded lookup checks
// each connection. When a name has several addresses, the next one is tried after a second.
const AGENT = { keepAlive: false, autoSelectFamilyAttemptTimeout: 1_000 };
const agents = { http: new HttpAgent(AGENT), https: new HttpsAgent(AGENT) };

/**
 * Posts once. It follows no redirects and decompresses nothing, and the answer is bounded in size and time. It never
 * rejects. When `signal` aborts, it ends at once.
 */
export function post(told: Post): Promise<Posted> {
  return new Promise((resolve) => {
    let request: ClientRequest;
    try {
      request = begin(told);
    } catch (error) {
      // node:http refuses to write one of the headers
      return resolve({ is: 'not_reached', why: 'connection', detail: codeOf(error as Error) });
    }
    const attempt = new Attempt(request, told, resolve);
    request.on('socket', (socket) => attempt.onSocket(socket));
    request.on('response', (response) => attempt.onHead(response));
    request.on('error', (error) => attempt.onError(error));
    // after some answers there is neither a response nor an error, for example after a change of protocol
    request.on('close', () => attempt.onError(new Error('The connection was closed.')));
    request.end(told.body);
  });
}

function begin({ url, headers, body, lookup, ca }: Post): ClientRequest {
  const isTls = url.protocol === 'https:';
  return (isTls ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    agent: isTls ? agents.https : agents.http,
    headers: { ...headers, 'content-length': body.length, 'accept-encoding': 'identity', connection: 'close' },
    lookup,
    maxHeaderSize: MAX_HEAD_BYTES,
    ...(isTls && { rejectUnauthorized: true, ...(ca && { ca }) }),
  });
}

class Attempt {
  private readonly timers = new Set<NodeJS.Timeout>();
  private connected = false;
  /** Whether bytes of the request may have been written: from the end of the TCP or TLS handshake on. */
  private open = false;
  private answer: IncomingMessage | undefined;
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  private ended = false;

  constructor(
    private readonly request: ClientRequest,
    private readonly told: Post,
    private readonly resolve: (posted: Posted) => void,
  ) {
    this.endAfter(told.times.connectMs, () => !this.connected);
    this.endAfter(told.times.totalMs, () => true);
    if (told.signal.aborted) this.onAbort();
    else told.signal.addEventListener('abort', this.onAbort, { once: true });
  }

  onSocket(socket: Socket): void {
    socket.once('connect', () => {
      // this listener runs before the first byte is written, because it was added before the request's own
      if (!this.told.allowPrivate && !isPublicAddress(socket.remoteAddress ?? ''))
        return this.onError(new BlockedAddress('The connection leads to an address that is not public.'));
      this.connected = true;
      if (this.told.url.protocol === 'https:') socket.once('secureConnect', () => (this.open = true));
      else this.open = true;
      this.endAfter(this.told.times.headMs, () => this.answer === undefined);
    });
  }

  onHead(answer: IncomingMessage): void {
    this.answer = answer;
    this.endAfter(this.told.times.bodyMs, () => true);
    answer.on('data', (chunk: Buffer) => {
      if (this.ended) return;
      this.chunks.push(chunk.subarray(0, MAX_ANSWER_BYTES - this.bytes));
      this.bytes += chunk.length;
      if (this.bytes >= MAX_ANSWER_BYTES) this.end(this.answered());
    });
    answer.on('end', () => this.end(this.answered()));
    // an incomplete body is enough, because the head has told the outcome
    answer.on('error', () => this.end(this.answered()));
  }

  onError(error: Error): void {
    if (this.answer) return this.end(this.answered());
    const detail = codeOf(error);
    if (error instanceof BlockedAddress) this.end({ is: 'not_reached', why: 'blocked', detail: error.message });
    else if (!this.open) this.end({ is: 'not_reached', why: 'connection', detail });
    else this.end({ is: 'no_answer', why: detail === 'HPE_HEADER_OVERFLOW' ? 'too_large' : 'connection', detail });
  }

  private readonly onAbort = (): void => this.endLate('The attempt was given up.');

  private endAfter(ms: number, when: () => boolean): void {
    this.timers.add(
      setTimeout(() => {
        if (!this.ended && when()) this.endLate(`No answer within ${ms} ms.`);
      }, ms),
    );
  }

  private endLate(detail: string): void {
    if (this.answer) this.end(this.answered());
    else this.end({ is: this.open ? 'no_answer' : 'not_reached', why: 'timeout', detail });
  }

  private answered(): Posted {
    const { statusCode, headers } = this.answer!;
    return { is: 'answered', status: statusCode!, headers, body: Buffer.concat(this.chunks) };
  }

  private end(posted: Posted): void {
    if (this.ended) return;
    this.ended = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.told.signal.removeEventListener('abort', this.onAbort);
    this.request.destroy();
    this.resolve(posted);
  }
}

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message;
