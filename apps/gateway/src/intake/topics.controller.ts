import { All, Controller, Get, Head, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { isTenantId, Refused } from '@tocsin/contracts';
import { AlertIntake } from '@tocsin/contracts/ports';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Request, Response } from 'express';
import { tenantForbidden, VisibleTenants } from '../access/visible-tenants';
import { SMALL_BODY, TakesBody } from '../body/body.interceptor';
import { GatewayConfig } from '../config';
import { StreamOpener } from '../connect/stream-opener';
import { ApiTags } from '../description/operation.docs';
import { PublishFailed } from '../problems/publish-failed';
import { readTopicEvent, type PublishedTopicEvent } from './topic-event';
import * as described from './topics.docs';

/**
 * `/api/v1/topics/{id}/events`: any JSON in, and out as `message` events of a stream. A topic is a tenant, with its
 * rights and its log: see docs/topics.md.
 */
@Controller('api/v1/topics/:id/events')
@ApiTags('topics')
export class TopicsController {
  constructor(
    private readonly opener: StreamOpener,
    private readonly intake: AlertIntake,
    private readonly tenants: VisibleTenants,
    private readonly config: GatewayConfig,
  ) {}

  // Declared before GET, which would answer HEAD too.
  @Head()
  @described.probeTopic
  probeTopic(@Res() response: Response): void {
    response.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' }).end();
  }

  /** The stream writes to the socket itself, including the response head. For Express the response never ends. */
  @Get()
  @described.streamTopic
  streamTopic(@Param('id') topic: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    if (!response.socket) throw new Refused('invalid_request', 'A stream needs a connection without other requests.');
    return this.opener.open(request, response.socket, topic);
  }

  /** 202 means that the queue has durably stored the event. */
  @Post()
  @HttpCode(202)
  @Scopes('events:publish')
  @TakesBody(SMALL_BODY)
  @described.publishToTopic
  async publishToTopic(
    @Param('id') topic: string,
    @Req() request: Request,
    @Token() token: VerifiedToken,
  ): Promise<PublishedTopicEvent> {
    if (!request.is(['json', '+json']))
      throw new Refused('unsupported_media_type', 'The body must be application/json.');
    if (!isTenantId(topic) || !this.tenants.publisher(token)(topic)) throw tenantForbidden();
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const message = readTopicEvent(topic, body, this.config.MAX_EVENT_BYTES);
    const outcomes = await this.intake.publish([message], { traceparent: request.get('traceparent') });
    if (outcomes.some(({ outcome }) => outcome !== 'confirmed')) throw new PublishFailed([]);
    return { topic, id: message.id, data: message.metadata['data'] };
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, POST');
    throw new Refused('method_not_allowed', 'Events of a topic are published with POST and streamed with GET.');
  }
}
