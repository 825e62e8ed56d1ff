import { All, Controller, Get, Head, Req, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import type { Request, Response } from 'express';
import { StreamOpener } from './stream-opener';
import { ApiTags } from '../description/operation.docs';
import * as described from './streams.docs';

/** `/api/events`, for the requests that `StreamDoor` passes on to node:http. */
@Controller('api/events')
@ApiTags('streams')
export class EventsController {
  constructor(private readonly opener: StreamOpener) {}

  // Declared before GET, which would answer HEAD too.
  @Head()
  @described.probeStream
  probeStream(@Res() response: Response): void {
    response.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' }).end();
  }

  /** The stream writes to the socket itself, including the response head. For Express the response never ends. */
  @Get()
  @described.streamEvents
  streamEvents(@Req() request: Request, @Res() response: Response): Promise<void> {
    // A response without a socket waits for the response to an earlier request; the stream would be written into that
    // one.
    if (!response.socket) throw new Refused('invalid_request', 'A stream needs a connection without other requests.');
    return this.opener.open(request, response.socket);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'This address is read with GET.');
  }
}
