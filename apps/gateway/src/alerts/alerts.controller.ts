import { All, Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { Refused, type Alert, type AlertPage, type EntryPage } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Request, Response } from 'express';
import { SMALL_BODY, TakesBody } from '../body/body.interceptor';
import { jsonBodyOf } from '../request/json-object';
import { readSearchBody, readSearchParameters } from './alert-search-request';
import { FindAlerts } from './find-alerts';
import { readHistoryParameters } from './history-request';

/** `/api/v1/alerts`, as far as it is read. Another tenant's alert is not found. */
@Controller('api/v1/alerts')
@Scopes('alerts:read')
export class AlertsController {
  constructor(private readonly find: FindAlerts) {}

  @Get()
  list(@Req() request: Request, @Token() token: VerifiedToken): Promise<AlertPage> {
    return this.find.page(token, readSearchParameters(request.url, token.user_id));
  }

  @Post('search')
  @TakesBody(SMALL_BODY)
  @HttpCode(200)
  search(@Req() request: Request, @Token() token: VerifiedToken): Promise<AlertPage> {
    return this.find.page(token, readSearchBody(jsonBodyOf(request), token.user_id));
  }

  @All('search')
  refuseMethodOfSearch(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused(
      'method_not_allowed',
      'A search is asked for with POST; GET /api/v1/alerts takes the same as parameters.',
    );
  }

  @Get(':alert_id')
  show(@Param('alert_id') alertId: string, @Token() token: VerifiedToken): Promise<Alert> {
    return this.find.one(token, alertId);
  }

  @Get(':alert_id/history')
  history(
    @Param('alert_id') alertId: string,
    @Req() request: Request,
    @Token() token: VerifiedToken,
  ): Promise<EntryPage> {
    return this.find.history(token, alertId, readHistoryParameters(request.url));
  }

  @All(':alert_id/history')
  refuseMethodOfHistory(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'A history is read with GET.');
  }

  @All(['', ':alert_id'])
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, PATCH');
    throw new Refused('method_not_allowed', 'Alerts are read with GET and acted on with PATCH.');
  }
}
