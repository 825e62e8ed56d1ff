import type { Request, Response } from 'express';
import { expectsContinue, hasBody, isWorthDraining } from './request-bodies';

/**
 * How much of a body that nobody wants is read and dropped, so that its sender reads the answer: most clients read none before
 * they have sent all. Twice the largest body that any route takes; nothing of it is kept.
 */
const LINGER_BYTES = 16 * 1024 * 1024;
/** For how long, and for how long without a byte. */
const LINGER_MS = 10_000;
const SILENCE_MS = 1_000;

/**
 * Ends an answer to a request whose body was not read to its end. A connection that is closed while bytes arrive is reset,
 * and the client may lose the answer with it: so the whole answer is sent, then what still comes is read and dropped within
 * these bounds, and the connection ends after that.
 */
export function answerUnread(request: Request, response: Response, body: string): void {
  if (request.complete || !hasBody(request) || expectsContinue(request) || isWorthDraining(request))
    return void response.end(body);
  let left = LINGER_BYTES;
  const end = () => {
    clearTimeout(timeout);
    clearTimeout(silence);
    request.off('data', drop);
    response.end();
  };
  const drop = (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
    else silence.refresh();
  };
  const timeout = setTimeout(end, LINGER_MS);
  const silence = setTimeout(end, SILENCE_MS);
  response.write(body);
  request.on('data', drop).once('end', end).once('close', end).resume();
}
