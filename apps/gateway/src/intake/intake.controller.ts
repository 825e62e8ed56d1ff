import { All, Controller, Post, Req, Res } from '@nestjs/common';
import { isWithoutData } from '@tocsin/messages';
import { Refused } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Request, Response } from 'express';
import { VisibleTenants } from '../access/visible-tenants';
import { LARGE_BODY, TakesBody } from '../body/body.interceptor';
import { preferredWait } from './preferred-wait';
import { PublishEvents } from './publish-events';
import { answerOf, type PublishedAnswer } from './published-answer';
import { ApiTags } from '../description/operation.docs';
import * as described from './intake.docs';

/**
 * `POST /api/v1/events`: publishes one message, a list of up to 500, or the contents of another system's webhook. 202
 * means that the queue has durably stored all messages that the response names. After any other response it is safe to
 * send all of them again, with the same ids. With `Prefer: wait=5` the response is 201 with the messages' numbers, if
 * they leave the queue within that time.
 */
@Controller('api/v1/events')
@ApiTags('publishing')
export class IntakeController {
  constructor(
    private readonly events: PublishEvents,
    private readonly tenants: VisibleTenants,
  ) {}

  @Post()
  @Scopes('events:publish')
  @TakesBody(LARGE_BODY)
  @described.publishEvents
  async publishEvents(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
    @Token() token: VerifiedToken,
  ): Promise<PublishedAnswer> {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (!request.is(['json', '+json']) && !isWithoutData(body, request.headers))
      throw new Refused('unsupported_media_type', 'The body must be application/json.');
    const seconds = preferredWait(request.get('Prefer'));
    const publisher = {
      by: token.user_id,
      publishesFor: this.tenants.publisher(token),
      traceparent: request.get('traceparent'),
      waitMs: seconds * 1_000,
    };
    const published = await this.events.publish({ body, headers: request.headers, query: request.query }, publisher);
    if (published.receipts) response.status(201).set('Preference-Applied', `wait=${seconds}`);
    else response.status(202);
    return answerOf(published);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, POST');
    throw new Refused('method_not_allowed', 'Events are published with POST and read with GET.');
  }
}
