import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { inspect, types } from 'node:util';
import type { NextFunction, Request, Response } from 'express';
import { Refused } from '@tocsin/contracts';
import { within } from '@tocsin/timing';
import { clientAddress } from './client-address';

/** A request as the operator's function sees it. Written to a log, it shows no credential: no query and no headers. */
export class SeenRequest {
  constructor(
    readonly method: string,
    /** With the query, which may hold a ticket or a token. */
    readonly url: string,
    readonly headers: Readonly<IncomingHttpHeaders>,
    /** The address of the client as the limits count it: by `TRUSTED_PROXIES`, and of IPv6 the /64. */
    readonly remoteAddress: string,
  ) {}

  toJSON(): { method: string; path: string; remoteAddress: string } {
    return { method: this.method, path: this.url.split('?', 1)[0]!, remoteAddress: this.remoteAddress };
  }

  [inspect.custom](): unknown {
    return this.toJSON();
  }
}

/**
 * What becomes of a request: nothing or `headers` for its answer lets it through, and a `Refused` that is returned or
 * thrown is its answer.
 */
export type Seen = void | Refused | { readonly headers: Readonly<Record<string, string>> };

/** A function of the operator that sees each request, REST and stream, before it is handled. */
export type BeforeRequest = (request: SeenRequest) => Seen | Promise<Seen>;

export interface BeforeRequestOptions {
  beforeRequest?: BeforeRequest;
  /** How long the function may take, in milliseconds. Default 2 s. */
  beforeRequestMs?: number;
}

/** The headers that are added to an answer. */
export type AddedFields = readonly (readonly [name: string, value: string])[];

/** The parts of a request that node:http and the stream door have in common. */
interface AnyRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  socket: Pick<Socket, 'remoteAddress'>;
}

const TIMEOUT_MS = 2_000;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t -~]*$/;
/** Headers that the gateway writes itself: a second one would contradict it, or break the answer. */
const OWN = new RegExp(
  `^(?:${[
    'access-control-.*',
    'content-.*',
    'cache-control|vary|date|retry-after|www-authenticate',
    'connection|keep-alive|trailer|transfer-encoding|upgrade',
    'x-accel-buffering|x-content-type-options',
  ].join('|')})$`,
  'i',
);

/**
 * Calls the operator's function, for both ways in: the stream door and Express. A request is never let through because
 * the function failed. A gateway without such a function has a check that is not `on`: were the check itself absent,
 * a composition that forgot it would let everything through.
 */
export class RequestCheck {
  private readonly timeoutMs: number;

  constructor(
    private readonly see: BeforeRequest | undefined,
    private readonly trustedProxies: number,
    timeoutMs?: number,
  ) {
    this.timeoutMs = timeoutMs ?? TIMEOUT_MS;
  }

  get on(): boolean {
    return this.see !== undefined;
  }

  /** The headers to add to the answer. Throws `Refused` when the request must not be handled. */
  async of(request: AnyRequest): Promise<AddedFields> {
    const { method, url, headers } = request;
    try {
      const seen = this.see?.(new SeenRequest(method, url, headers, clientAddress(request, this.trustedProxies)));
      const verdict = types.isPromise(seen) ? await within(this.timeoutMs, seen, tooSlow) : seen;
      if (verdict instanceof Refused) throw verdict;
      return verdict ? Object.entries(verdict.headers).map(allowed) : [];
    } catch (error) {
      if (error instanceof Refused) throw error;
      throw new Refused('operator_check_unavailable', 'The request could not be checked.', { cause: error });
    }
  }

  /** For Express. A stream writes its own answer, and finds the lines of the headers at the request. */
  readonly middleware = (request: Request, response: Response, next: NextFunction): void => {
    const { method, originalUrl: url, headers, socket } = request;
    this.of({ method, url, headers, socket }).then((fields) => {
      for (const [name, value] of fields) response.setHeader(name, value);
      if (fields.length > 0) Object.assign(request, { addedFields: linesOf(fields) });
      next();
    }, next);
  };
}

/** Provides the check, which `prepareHttp` needs. Without a function no request is checked. */
export const provideRequestCheck = (
  { beforeRequest, beforeRequestMs }: BeforeRequestOptions = {},
  trustedProxies = 0,
): { provide: typeof RequestCheck; useValue: RequestCheck } => ({
  provide: RequestCheck,
  useValue: new RequestCheck(beforeRequest, trustedProxies, beforeRequestMs),
});

/** Headers as they are sent. */
export const linesOf = (fields: AddedFields): string => fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');

function allowed([name, value]: [string, string]): readonly [string, string] {
  if (!NAME.test(name) || !VALUE.test(value)) throw new Error(`beforeRequest gave a header that cannot be sent`);
  if (OWN.test(name)) throw new Error(`beforeRequest gave the header ${name}, which is the gateway's own`);
  return [name, value];
}

function tooSlow(): never {
  throw new Error('beforeRequest took too long');
}
