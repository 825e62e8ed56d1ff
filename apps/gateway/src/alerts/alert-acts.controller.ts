import { Body, Controller, Headers, Param, Patch } from '@nestjs/common';
import type { Alert, BulkActed } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { TakesJson } from '../body/body.interceptor';
import { ActBody, actOf, alertIdsOf, BulkActBody, MAX_BODY_BYTES } from './act-body';
import { ActOnAlerts } from './act-on-alerts';

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
  @TakesJson(MAX_BODY_BYTES)
  one(
    @Param('id') id: string,
    @Body() body: ActBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Token() token: VerifiedToken,
  ): Promise<Alert> {
    return this.actOnAlerts.one(token, id, actOf(body, token.user_id, traceparent));
  }

  /** 200 with an outcome for each, whatever they are. */
  @Patch()
  @TakesJson(MAX_BODY_BYTES)
  many(
    @Body() body: BulkActBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Token() token: VerifiedToken,
  ): Promise<BulkActed> {
    return this.actOnAlerts.many(token, alertIdsOf(body), actOf(body, token.user_id, traceparent));
  }
}
