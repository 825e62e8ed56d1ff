import { Body, Controller, Headers, Param, Patch } from '@nestjs/common';
import type { Alert, BulkActed } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { TakesJson } from '../body/body.interceptor';
import { ActBody, actOf, alertIdsOf, BulkActBody, MAX_BODY_BYTES } from './act-body';
import { ActOnAlerts } from './act-on-alerts';

/**
 * `PATCH /api/v1/alerts/:id` and `PATCH /api/v1/alerts`: people act on one alert, or on up to 200 at once. The token
 * needs `alerts:write`, and its user's role in the alert's tenant must not be `viewer`. An alert of another tenant is
 * answered as not found.
 */
@Controller('api/v1/alerts')
@Scopes('alerts:write')
export class AlertActsController {
  constructor(private readonly actOnAlerts: ActOnAlerts) {}

  /** 409 `alert_conflict` carries the alert and says who acted first. Repeating one's own act gives 200 again. */
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

  /** Answers 200 with the outcome of each alert, even when acts failed. */
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
