import { Body, Controller, Headers, Param, Patch } from '@nestjs/common';
import type { Alert, BulkActed } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { TakesJson } from '../body/body.interceptor';
import { ActBody, actOf, alertIdsOf, BulkActBody, MAX_BODY_BYTES } from './act-body';
import { ActOnAlerts } from './act-on-alerts';
import { ApiTags } from '../description/operation.docs';
import * as described from './acts.docs';

/**
 * `PATCH /api/v1/alerts/:alert_id` and `PATCH /api/v1/alerts`: people act on one alert, or on up to 200 at once. The
 * token needs `alerts:write`, and its user's role in the alert's tenant must not be `viewer`. An alert of another
 * tenant is answered as not found.
 */
@Controller('api/v1/alerts')
@ApiTags('alerts')
@Scopes('alerts:write')
export class AlertActsController {
  constructor(private readonly acts: ActOnAlerts) {}

  /** 409 `alert_conflict` carries the alert and says who acted first. Repeating one's own act gives 200 again. */
  @Patch(':alert_id')
  @TakesJson(MAX_BODY_BYTES)
  @described.actOnAlert
  actOnAlert(
    @Param('alert_id') alertId: string,
    @Body() body: ActBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Token() token: VerifiedToken,
  ): Promise<Alert> {
    return this.acts.one(token, alertId, actOf(body, token.user_id, traceparent));
  }

  /** Answers 200 with the outcome of each alert, even when acts failed. */
  @Patch()
  @TakesJson(MAX_BODY_BYTES)
  @described.actOnAlerts
  actOnAlerts(
    @Body() body: BulkActBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Token() token: VerifiedToken,
  ): Promise<BulkActed> {
    return this.acts.many(token, alertIdsOf(body), actOf(body, token.user_id, traceparent));
  }
}
