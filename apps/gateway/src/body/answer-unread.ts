import type { Request, Response } from 'express';
import { expectsContinue, hasBody, isWorthDraining } from './request-bodies';

/**
 * How many bytes of an unwanted body are read and dropped so that the client reads the response: most clients read
 * nothing before they have sent everything. It is twice the largest body that any route takes; nothing of it is kept.
 */
const LINGER_BYTES = 16 * 1024 * 1024;
/** The longest time for which the body is drained, and the longest pause between two bytes. */
const LINGER_MS = 10_000;
const SILENCE_MS = 1_000;

/**
 * Ends the response to a request whose body was not read completely. A connection that is closed while bytes arrive is
 * reset, and the client may lose the response. So the whole response is sent first, then the remaining bytes are read
 * and dropped within these limits, and only then the connection ends.
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
