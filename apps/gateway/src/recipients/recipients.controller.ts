import { All, Body, Controller, Get, Headers, Put, Query, Res } from '@nestjs/common';
import { requireScopes, Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { Refused, type Recipients, type TenantRecipients } from '@tocsin/contracts';
import { RecipientBook, type TaggedRecipients } from '@tocsin/contracts/ports';
import { Log } from '@tocsin/observability';
import type { Response } from 'express';
import { VisibleTenants } from '../access/visible-tenants';
import { TakesJson } from '../body/body.interceptor';
import { MAX_BODY_BYTES, RecipientsBody, recipientsOf, RecipientsQuery } from './recipients-body';
import { ApiTags } from '../description/operation.docs';
import * as described from './recipients.docs';

/**
 * `/api/v1/recipients`: the recipients of a tenant's alerts whose messages name none. PUT replaces all of them. With
 * `If-Match` it replaces them only if they have not changed since the caller read them.
 */
@Controller('api/v1/recipients')
@ApiTags('deliveries')
@Scopes()
export class RecipientsController {
  constructor(
    private readonly book: RecipientBook,
    private readonly tenants: VisibleTenants,
    private readonly log: Log,
  ) {}

  @Get()
  @described.readRecipients
  async readRecipients(
    @Query() { tenant }: RecipientsQuery,
    @Token() token: VerifiedToken,
    @Res({ passthrough: true }) response: Response,
  ): Promise<TenantRecipients> {
    requireScopes(token, ['alerts:read']);
    await this.tenants.in(token, tenant);
    const shown = await this.tenants.addressesShownTo(token);
    const answer = tagged(response, tenant, await this.book.of(tenant));
    return { ...answer, recipients: mapAddresses(answer.recipients, (address) => shown(tenant, address)) };
  }

  @Put()
  @TakesJson(MAX_BODY_BYTES, { required: true })
  @described.replaceRecipients
  async replaceRecipients(
    @Query() { tenant }: RecipientsQuery,
    @Body() body: RecipientsBody,
    @Headers('If-Match') ifMatch: string | undefined,
    @Token() token: VerifiedToken,
    @Res({ passthrough: true }) response: Response,
  ): Promise<TenantRecipients> {
    requireScopes(token, ['alerts:write']);
    await this.tenants.actingIn(token, tenant);
    const recipients = recipientsOf(body);
    const replaced = await this.book.replace(tenant, recipients, tagIn(ifMatch));
    if (!replaced) throw new Refused('changed_meanwhile', 'The recipients have another ETag by now: read them again.');
    this.log.info({ tenant_id: tenant, by: token.user_id }, 'the recipients were replaced');
    return tagged(response, tenant, replaced);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, PUT');
    throw new Refused('method_not_allowed', 'Recipients are read with GET and replaced with PUT.');
  }
}

/** The same recipients with other addresses. */
function mapAddresses(recipients: Recipients, map: (address: string) => string): Recipients {
  const ofChannels = (channels: object) =>
    Object.fromEntries(
      Object.entries(channels).map(([channel, addresses]: [string, string[]]) => [channel, addresses.map(map)]),
    );
  return Object.fromEntries(Object.entries(recipients).map(([severity, channels]) => [severity, ofChannels(channels)]));
}

/** The tag is of the whole list, however its addresses are shown. */
function tagged(response: Response, tenant_id: string, { recipients, etag }: TaggedRecipients): TenantRecipients {
  response.set('ETag', `"${etag}"`);
  return { tenant_id, recipients };
}

/** The tag of `If-Match`. Null means that any tag matches. A text that is not one of our tags matches nothing. */
function tagIn(ifMatch: string | undefined): string | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null;
  return /^\s*"([^"]*)"\s*$/.exec(ifMatch)?.[1] ?? '';
}
