import { All, Controller, Get, Query, Res } from '@nestjs/common';
import { Refused, type AlertStats, type TenantStatsPage } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Response } from 'express';
import { TenantsQuery } from '../request/list-parameters';
import { some, tenantsIn } from './alert-filter';
import { FindAlerts } from './find-alerts';
import { chartOf, StatsQuery } from './stats-query';
import { ApiTags } from '../description/operation.docs';
import * as described from './alerts.docs';

/** `/api/v1/stats`: counts of open alerts, and of alerts by the time they were first seen; together, or by tenant. */
@Controller('api/v1/stats')
@ApiTags('alerts')
@Scopes('alerts:read')
export class StatsController {
  constructor(private readonly find: FindAlerts) {}

  @Get()
  @described.countAlerts
  countAlerts(@Query() query: StatsQuery, @Token() token: VerifiedToken): Promise<AlertStats> {
    return this.find.stats(token, tenantsIn(query), chartOf(query, token.user_id, new Date()));
  }

  @Get('tenants')
  @described.countByTenant
  countByTenant(@Query() query: TenantsQuery, @Token() token: VerifiedToken): Promise<TenantStatsPage> {
    return this.find.tenantStats(token, some(query.tenant), new Date());
  }

  @All(['', 'tenants'])
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'Counts are read with GET.');
  }
}
