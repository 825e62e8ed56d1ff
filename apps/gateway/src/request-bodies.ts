import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Refused } from '@tocsin/contracts';

/** What the bodies of all requests take at the moment, so that senders together cannot fill the memory. Bytes. */
export class BodyBudget {
  private used = 0;

  constructor(readonly maxBytes: number) {}

  /** Throws `Refused` (`at_capacity`) when there is no room. What was taken is given back. */
  take(bytes: number): void {
    if (this.used + bytes > this.maxBytes) throw new Refused('at_capacity', 'The bodies of other requests fill the memory that there is for them.');
    this.used += bytes;
  }

  giveBack(bytes: number): void {
    this.used -= bytes;
  }

  get usedBytes(): number {
    return this.used;
  }
}

/** How the bytes of a body are packed. Each is unpacked as it comes, so that a small body that grows is stopped at the limit. */
const UNPACKERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress,
};

/**
 * The body of a request as it was meant, at most `limit` bytes of it; empty when it has none. Nothing is read before the
 * budget has room for what the request announces, and what it took is given back when the response is over.
 *
 * Throws `Refused`: `body_too_large`, `unsupported_media_type` for a packing that is not known, `invalid_request` for a body
 * that does not unpack or ends early, `at_capacity` when the budget is used up.
 */
export async function readBody(request: IncomingMessage, response: ServerResponse, limit: number, budget: BodyBudget): Promise<Buffer> {
  if (!hasBody(request)) return Buffer.alloc(0);
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > limit) throw tooLarge(limit);
  const unpacker = unpackerFor(request);
  let taken = 0;
  const take = (bytes: number): void => {
    budget.take(bytes);
    taken += bytes;
  };
  response.once('close', () => budget.giveBack(taken));
  // what is announced is taken at once: a thousand that announce much are refused before they have sent it
  take(announced);
  if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
  return new Promise((resolve, reject) => {
    const source: Readable = unpacker ? request.pipe(unpacker) : request;
    const chunks: Buffer[] = [];
    let length = 0;
    /** node:http reads on and drops what still comes, so that the sender reads the answer. */
    const refuse = (why: Refused): void => {
      source.off('data', onData);
      if (unpacker) request.unpipe(unpacker);
      unpacker?.destroy();
      request.resume();
      reject(why);
    };
    const cannotBeRead = (cause: unknown): void => refuse(new Refused('invalid_request', 'The body could not be read to its end.', { cause }));
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > limit) return refuse(tooLarge(limit));
      try {
        if (length > taken) take(length - taken);
      } catch (full) {
        return refuse(full as Refused);
      }
      chunks.push(chunk);
    };
    source.on('data', onData);
    source.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)));
    source.once('error', cannotBeRead);
    request.once('error', cannotBeRead);
    request.once('close', () => cannotBeRead(undefined));
  });
}

const hasBody = ({ headers }: IncomingMessage): boolean => headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const tooLarge = (limit: number): Refused => new Refused('body_too_large', `At most ${limit} bytes are read here.`);

function unpackerFor({ headers }: IncomingMessage): Transform | undefined {
  const packing = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (packing === 'identity') return undefined;
  const unpack = Object.hasOwn(UNPACKERS, packing) ? UNPACKERS[packing] : undefined;
  if (!unpack) throw new Refused('unsupported_media_type', `The content encoding must be one of ${Object.keys(UNPACKERS).join(', ')}.`);
  return unpack();
}
