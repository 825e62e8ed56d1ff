import { All, Controller, Get, Query, Res } from '@nestjs/common';
import { Refused, type SystemHealth } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Response } from 'express';
import { ApiTags } from '../description/operation.docs';
import { NoParameters } from '../request/no-parameters';
import { SeeHealth } from './see-health';
import * as described from './health.docs';

/**
 * `GET /api/v1/health`: what an operator sees of the system. It names users and tenants, and its totals are those of
 * all, so it needs the scope of those who operate.
 */
@Controller('api/v1/health')
@ApiTags('operation')
@Scopes('dead_letters:operate')
export class HealthController {
  constructor(private readonly see: SeeHealth) {}

  @Get()
  @described.showHealth
  showHealth(@Query() _query: NoParameters, @Token() token: VerifiedToken): Promise<SystemHealth> {
    return this.see.now(token);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'The health is read with GET.');
  }
}
