import type { Request, Response } from 'express';
import { expectsContinue, hasBody, isWorthDraining } from './request-bodies';

/** What is read and dropped of a body that nobody wants, so that its sender reads the answer before its connection ends. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 1_000;

/**
 * Ends an answer to a request whose body was not read to its end. A connection that is closed while bytes arrive is reset,
 * and the client may lose the answer with it: so the whole answer is sent, then a little more is read and dropped, and the
 * connection ends after that.
 */
export function answerUnread(request: Request, response: Response, body: string): void {
  if (request.complete || !hasBody(request) || expectsContinue(request) || isWorthDraining(request))
    return void response.end(body);
  let left = LINGER_BYTES;
  const end = () => {
    clearTimeout(timer);
    request.off('data', drop);
    response.end();
  };
  const drop = (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
  };
  const timer = setTimeout(end, LINGER_MS);
  response.write(body);
  request.on('data', drop).once('end', end).once('close', end).resume();
}
