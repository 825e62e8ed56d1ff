import { All, Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Response } from 'express';
import { VisibleTenants } from '../access/visible-tenants';
import { TakesJson } from '../body/body.interceptor';
import { ApiTags } from '../description/operation.docs';
import { ObserveShown } from './observe-shown';
import { MAX_SHOWN_BYTES, ShownBody } from './shown-body';
import * as described from './shown.docs';

/** `/api/v1/me/shown`: clients say when they showed entries whose traces are recorded. */
@Controller('api/v1/me/shown')
@ApiTags('log')
@Scopes('alerts:read')
export class ShownController {
  constructor(
    private readonly observeShown: ObserveShown,
    private readonly visible: VisibleTenants,
  ) {}

  @Post()
  @HttpCode(204)
  @TakesJson(MAX_SHOWN_BYTES)
  @described.reportShown
  async reportShown(@Body() body: ShownBody, @Token() token: VerifiedToken): Promise<void> {
    const received = Date.now(); // before the look-up of the tenants, whose time would count as part of the way to us
    this.observeShown.observe(body, await this.visible.of(token), received);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'What was shown is reported with POST.');
  }
}
