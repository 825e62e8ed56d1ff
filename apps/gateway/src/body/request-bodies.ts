import { Refused } from '@tocsin/contracts';
import type { Request, Response } from 'express';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { BodyMemory, type HeldBody } from './body-memory';

/**
 * Up to this many unread bytes the connection is kept, and Node reads and drops them. With more, the connection ends.
 */
const WORTH_DRAINING = 65_536;

const NONE = Buffer.alloc(0);

/** A request whose body is read only when its route asks for it. */
export interface RequestWithBody extends Request {
  readBody?: (maxBytes: number, proven: boolean) => Promise<Buffer>;
}

/**
 * Reads request bodies for the routes that take one, after the caller has been identified, up to the route's limit and
 * the limit for all bodies together. The body of any other request is not read: a small one is drained, and a larger
 * one ends its connection with the response.
 */
export class RequestBodies {
  readonly memory: BodyMemory;

  constructor(maxBytes: number) {
    this.memory = new BodyMemory(maxBytes);
  }

  /** Middleware that runs before any route. */
  readonly prepare = (request: RequestWithBody, response: Response, next: () => void): void => {
    if (hasBody(request)) {
      const keepsAlive = response.shouldKeepAlive;
      if (!isWorthDraining(request)) response.shouldKeepAlive = false;
      request.readBody = async (maxBytes, proven) => {
        const body = await this.read(request, response, maxBytes, proven);
        response.shouldKeepAlive = keepsAlive;
        return body;
      };
    }
    next();
  };

  private async read(request: Request, response: Response, maxBytes: number, proven: boolean): Promise<Buffer> {
    if (announced(request) > maxBytes) throw tooLarge(maxBytes);
    const source = decoded(request);
    const held = this.memory.open(proven);
    response.once('close', () => held.giveBack());
    if (expectsContinue(request)) response.writeContinue();
    try {
      return await collect(request, source, maxBytes, held);
    } catch (error) {
      held.giveBack();
      throw error;
    }
  }
}

/**
 * Whether the client waits for `100 Continue` before it sends the body. Node sends that by itself unless it is told not
 * to: see `http-server.ts`.
 */
export const expectsContinue = ({ headers: { expect } }: Pick<Request, 'headers'>): boolean =>
  expect !== undefined && /^100-continue$/i.test(expect.trim());

export const isWorthDraining = (request: Request): boolean =>
  !('transfer-encoding' in request.headers) && announced(request) <= WORTH_DRAINING && !expectsContinue(request);

const announced = ({ headers }: Request): number => Number(headers['content-length'] ?? 0);
export const hasBody = (request: Request): boolean => announced(request) > 0 || 'transfer-encoding' in request.headers;

const tooLarge = (maxBytes: number) => new Refused('body_too_large', `At most ${maxBytes} bytes are accepted.`);

/** The body after decoding its `Content-Encoding`. Throws `Refused` when the encoding is not supported. */
function decoded(request: Request): Readable {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return request;
  const decoder =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? createGunzip()
      : encoding === 'deflate'
        ? createInflate()
        : encoding === 'br'
          ? createBrotliDecompress()
          : undefined;
  if (!decoder) throw new Refused('unsupported_media_type', 'The content encoding must be gzip, deflate or br.');
  return request.pipe(decoder);
}

function collect(request: Request, source: Readable, maxBytes: number, held: HeldBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      source.off('data', onData).off('end', onEnd).off('error', onBroken);
      request.off('error', onGone).off('close', onGone);
      if (source !== request) {
        request.unpipe();
        source.on('error', () => undefined).destroy();
      }
      request.pause();
      act();
    };
    const fail = (error: unknown) => settle(() => reject(error as Error));
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) return fail(tooLarge(maxBytes));
      try {
        held.take(chunk.length);
      } catch (error) {
        return fail(error);
      }
      chunks.push(chunk);
    };
    const onEnd = () =>
      settle(() =>
        resolve(chunks.length === 1 ? chunks[0]! : chunks.length === 0 ? NONE : Buffer.concat(chunks, bytes)),
      );
    const onBroken = () =>
      fail(new Refused('invalid_request', 'The body is not encoded as its content encoding says.'));
    // A decoder may still be working when the request has arrived completely.
    const onGone = () => void (request.complete || fail(new Refused('invalid_request', 'The body ended early.')));
    if (source !== request) source.on('error', onBroken);
    request.on('error', onGone).on('close', onGone);
    source.on('data', onData).on('end', onEnd);
  });
}
