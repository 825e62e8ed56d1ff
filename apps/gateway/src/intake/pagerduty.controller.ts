import { All, Controller, HttpCode, Param, Post, Req, Res, UseFilters } from '@nestjs/common';
import { MessageGroup, readPagerDutyEvent, Turns } from '@tocsin/messages';
import { Refused } from '@tocsin/contracts';
import type { Request, Response } from 'express';
import { EVENT_BODY, TakesBody } from '../body/body.interceptor';
import { jsonBodyOf } from '../request/json-object';
import { PagerDutyErrors } from './peer-errors.filter';
import { PeerPublisher } from './peer-publisher';
import { PublishEvents } from './publish-events';
import { defaultsIn, MAX_BATCH } from './read-events';
import { decodeInSlices } from './sliced-json';
import { eventProcessed, type EventProcessed } from './published-answer';
import { ApiTags } from '../description/operation.docs';
import * as described from './peers.docs';

/**
 * Imitates PagerDuty's Events API v2 for its clients. They append `/v2/enqueue` to an address and send no credential in
 * a header, so the service token is their `routing_key`. `trigger` and `resolve` become messages, `acknowledge` becomes
 * a note on the alert. The response has PagerDuty's format, since its clients treat any other as a failure.
 */
@Controller(['api/v1/pagerduty/:tenant/v2/enqueue', 'api/v1/pagerduty/:tenant/:service/v2/enqueue'])
@ApiTags('publishing')
@UseFilters(PagerDutyErrors)
export class PagerDutyController {
  constructor(
    private readonly publishers: PeerPublisher,
    private readonly events: PublishEvents,
  ) {}

  @Post()
  @TakesBody(EVENT_BODY)
  @HttpCode(202)
  @described.enqueuePagerDutyEvent
  async enqueuePagerDutyEvent(
    @Param() address: { tenant: string; service?: string },
    @Req() request: Request,
  ): Promise<EventProcessed> {
    const body = jsonBodyOf(request);
    const decoded = await decodeInSlices(body, MAX_BATCH, new Turns());
    const { routing_key } = (decoded.value ?? {}) as { routing_key?: unknown };
    const publisher = await this.publishers.of(request, typeof routing_key === 'string' ? routing_key : undefined);
    const group = MessageGroup.of(decoded.value, defaultsIn(address), body, decoded.escapes, readPagerDutyEvent);
    if (!group)
      throw new Refused('invalid_field', NO_EVENT, {
        errors: [{ pointer: '/event_action', code: 'invalid_field', detail: NO_EVENT }],
      });
    const { acknowledged, messages } = await this.events.publishGroup(group, publisher);
    return eventProcessed(acknowledged ?? messages[0]!);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'Events are sent with POST.');
  }
}

const NO_EVENT = 'An event with an event_action of trigger, acknowledge or resolve is expected.';
