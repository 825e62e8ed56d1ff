import { All, Controller, Get, Query, Res } from '@nestjs/common';
import { Refused, type TenantsPage } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Response } from 'express';
import { NoParameters } from '../request/no-parameters';
import { VisibleTenants } from './visible-tenants';
import { ApiTags } from '../description/operation.docs';
import * as described from './access.docs';

/** `GET /api/v1/tenants`: the tenants of the user who calls. */
@Controller('api/v1/tenants')
@ApiTags('access')
@Scopes('alerts:read')
export class TenantsController {
  constructor(private readonly tenants: VisibleTenants) {}

  @Get()
  @described.listTenants
  async listTenants(@Query() _query: NoParameters, @Token() token: VerifiedToken): Promise<TenantsPage> {
    return { tenants: (await this.tenants.of(token)).map(({ tenant_id, name, role }) => ({ tenant_id, name, role })) };
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'Tenants are read with GET.');
  }
}
