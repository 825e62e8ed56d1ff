import { All, Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import { Revocations, Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { Log } from '@tocsin/observability';
import type { Response } from 'express';
import { TakesJson } from '../body/body.interceptor';
import { RevocationBody, revocationOf } from './revocation-body';
import { ApiTags } from '../description/operation.docs';
import * as described from './access.docs';

/** A revocation consists of a few short names. */
const MAX_BODY_BYTES = 4 * 1024;

/**
 * `POST /api/v1/revocations`: revokes all tokens of a user, one token, or the user's access to a tenant. 202 means that
 * the revocation is stored and that this gateway already applies it; the other gateways apply it within 2 s.
 */
@Controller('api/v1/revocations')
@ApiTags('access')
export class RevocationsController {
  constructor(
    private readonly revocations: Revocations,
    private readonly log: Log,
  ) {}

  @Post()
  @TakesJson(MAX_BODY_BYTES, { required: true })
  @HttpCode(202)
  @Scopes('access:revoke')
  @described.revokeAccess
  async revokeAccess(@Body() body: RevocationBody, @Token() token: VerifiedToken): Promise<Record<string, never>> {
    const revocation = revocationOf(body);
    await this.revocations.revoke(revocation);
    this.log.info({ ...revocation, revoked_by: token.user_id }, 'access was revoked');
    return {};
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'Access is revoked with POST.');
  }
}
