import { All, Controller, Get, Req, Res } from '@nestjs/common';
import { Refused, type AlertStats } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Request, Response } from 'express';
import { FindAlerts } from './find-alerts';
import { readStatsParameters } from './stats-request';

/** `GET /api/v1/stats`: what is open, and what was first seen when. */
@Controller('api/v1/stats')
@Scopes('alerts:read')
export class StatsController {
  constructor(private readonly find: FindAlerts) {}

  @Get()
  stats(@Req() request: Request, @Token() token: VerifiedToken): Promise<AlertStats> {
    const { tenants, ...query } = readStatsParameters(request.url, new Date());
    return this.find.stats(token, tenants, query);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'Counts are read with GET.');
  }
}
