import { Controller, Param, Patch, Req } from '@nestjs/common';
import type { Alert, BulkActed } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Request } from 'express';
import { SMALL_BODY, TakesBody } from '../body/body.interceptor';
import { jsonBodyOf } from '../request/json-object';
import { ActOnAlerts } from './act-on-alerts';
import { readAct, readBulkAct } from './act-request';

/**
 * `PATCH /api/v1/alerts/:id` and `PATCH /api/v1/alerts`: what people do with alerts, one by one or up to 200 at once. For a
 * token with `alerts:write` of a user whose role in the alert's tenant is not `viewer`. Another tenant's alert is not found.
 */
@Controller('api/v1/alerts')
@Scopes('alerts:write')
export class AlertActsController {
  constructor(private readonly actOnAlerts: ActOnAlerts) {}

  /** 409 `alert_conflict` shows the alert, and says who was first. What the same user did before is 200 again. */
  @Patch(':id')
  @TakesBody(SMALL_BODY)
  one(@Param('id') id: string, @Req() request: Request, @Token() token: VerifiedToken): Promise<Alert> {
    return this.actOnAlerts.one(token, id, readAct(jsonBodyOf(request), token.user_id, request.get('traceparent')));
  }

  /** 200 with an outcome for each, whatever they are. */
  @Patch()
  @TakesBody(SMALL_BODY)
  many(@Req() request: Request, @Token() token: VerifiedToken): Promise<BulkActed> {
    const { act, alertIds } = readBulkAct(jsonBodyOf(request), token.user_id, request.get('traceparent'));
    return this.actOnAlerts.many(token, alertIds, act);
  }
}
