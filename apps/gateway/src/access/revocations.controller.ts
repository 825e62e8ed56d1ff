import { All, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import { AccessChanges } from '@tocsin/contracts/ports';
import { Revocations, Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { Log } from '@tocsin/observability';
import type { Request, Response } from 'express';
import { SMALL_BODY, TakesBody } from '../body/body.interceptor';
import { readRevocation } from './revocation-request';

/**
 * `POST /api/v1/revocations`: takes back a user's tokens, or one of them, or the access to a tenant. 202 means that it is
 * stored: this gateway knows it by then, the others within 2 s.
 */
@Controller('api/v1/revocations')
export class RevocationsController {
  constructor(
    private readonly accessChanges: AccessChanges,
    private readonly revocations: Revocations,
    private readonly log: Log,
  ) {}

  @Post()
  @TakesBody(SMALL_BODY)
  @HttpCode(202)
  @Scopes('access:revoke')
  async revoke(@Req() request: Request, @Token() token: VerifiedToken): Promise<Record<string, never>> {
    if (!request.is(['json', '+json']))
      throw new Refused('unsupported_media_type', 'The body must be application/json.');
    const revocation = readRevocation(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    await this.accessChanges.revoke(revocation);
    this.log.info({ ...revocation, revoked_by: token.user_id }, 'access was revoked');
    await this.revocations.check();
    return {};
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'Access is revoked with POST.');
  }
}
