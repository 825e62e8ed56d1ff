import { All, Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { Refused, type Alert, type AlertGroupPage, type AlertPage, type EntryPage } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Response } from 'express';
import { TakesJson } from '../body/body.interceptor';
import { AlertSearchFields, MAX_BODY_BYTES, searchOf } from './alert-search';
import { FindAlerts } from './find-alerts';
import { GroupsQuery, groupsOf } from './groups-query';
import { HistoryQuery, historyOf } from './history-query';
import { ApiTags } from '../description/operation.docs';
import * as described from './alerts.docs';

/** The read operations of `/api/v1/alerts`. An alert of another tenant is answered as not found. */
@Controller('api/v1/alerts')
@ApiTags('alerts')
@Scopes('alerts:read')
export class AlertsController {
  constructor(private readonly find: FindAlerts) {}

  @Get()
  @described.listAlerts
  listAlerts(@Query() query: AlertSearchFields, @Token() token: VerifiedToken): Promise<AlertPage> {
    return this.find.page(token, searchOf(query, token.user_id));
  }

  @Post('search')
  @TakesJson(MAX_BODY_BYTES)
  @HttpCode(200)
  @described.searchAlerts
  searchAlerts(@Body() body: AlertSearchFields, @Token() token: VerifiedToken): Promise<AlertPage> {
    return this.find.page(token, searchOf(body, token.user_id));
  }

  @All('search')
  refuseMethodOfSearch(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused(
      'method_not_allowed',
      'Searches are sent with POST; GET /api/v1/alerts takes the same fields as parameters.',
    );
  }

  @Get('groups')
  @described.groupAlerts
  groupAlerts(@Query() query: GroupsQuery, @Token() token: VerifiedToken): Promise<AlertGroupPage> {
    return this.find.groups(token, groupsOf(query, token.user_id));
  }

  @All('groups')
  refuseMethodOfGroups(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'Groups are read with GET.');
  }

  @Get(':alert_id')
  @described.showAlert
  showAlert(@Param('alert_id') alertId: string, @Token() token: VerifiedToken): Promise<Alert> {
    return this.find.one(token, alertId);
  }

  @Get(':alert_id/history')
  @described.showAlertHistory
  showAlertHistory(
    @Param('alert_id') alertId: string,
    @Query() query: HistoryQuery,
    @Token() token: VerifiedToken,
  ): Promise<EntryPage> {
    return this.find.history(token, alertId, historyOf(query));
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
