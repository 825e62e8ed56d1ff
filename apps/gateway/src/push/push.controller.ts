import { All, Body, Controller, Delete, Get, Put, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Refused, type PushState, type TenantId } from '@tocsin/contracts';
import { PushSubscriptions, type Reader } from '@tocsin/contracts/ports';
import { issuerOf, Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { idsOf, tenantForbidden, VisibleTenants } from '../access/visible-tenants';
import { TakesJson } from '../body/body.interceptor';
import { GatewayConfig } from '../config';
import { MAX_BODY_BYTES, PushBrowserQuery, PushSubscribeBody } from './push-body';
import { ApiTags } from '../description/operation.docs';
import * as described from './push.docs';

/**
 * `GET`, `PUT` and `DELETE /api/v1/push`: the browsers that show alerts to the user while the page is closed. Every
 * role may use these routes, as with seen positions, because they only affect what the user is shown.
 */
@Controller('api/v1/push')
@ApiTags('push')
@Scopes('alerts:read')
export class PushController {
  constructor(
    private readonly subscriptions: PushSubscriptions,
    private readonly visible: VisibleTenants,
    private readonly config: GatewayConfig,
  ) {}

  @Get()
  @described.showPush
  async showPush(@Token() token: VerifiedToken): Promise<PushState> {
    return this.stateFor(token, idsOf(await this.visible.of(token)));
  }

  /** Subscribes a browser, or renews its subscription. 404 if push messages are not configured. */
  @Put()
  @TakesJson(MAX_BODY_BYTES, { required: true })
  @described.subscribeToPush
  async subscribeToPush(
    @Body() { tenants: named, ...keys }: PushSubscribeBody,
    @Token() token: VerifiedToken,
  ): Promise<PushState> {
    if (this.config.VAPID_PUBLIC_KEY === undefined)
      throw new Refused('not_found', 'No push messages are sent here: it needs VAPID_PUBLIC_KEY.');
    const tenants = idsOf(await this.visible.of(token));
    await this.subscriptions.subscribe(this.readerOf(token), chosen(tenants, named), keys, token.issued_at);
    return this.stateFor(token, tenants);
  }

  /** Unsubscribes one of the user's browsers, for example a lost one. 404 when there is no such browser. */
  @Delete()
  @described.unsubscribeFromPush
  async unsubscribeFromPush(@Query() { browser }: PushBrowserQuery, @Token() token: VerifiedToken): Promise<PushState> {
    const tenants = idsOf(await this.visible.of(token));
    if (!(await this.subscriptions.unsubscribe(this.readerOf(token), tenants, browser)))
      throw new Refused('not_found', 'The user has no such browser.');
    return this.stateFor(token, tenants);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, PUT, DELETE');
    throw new Refused('method_not_allowed', 'Browsers are listed with GET, subscribed with PUT, removed with DELETE.');
  }

  private async stateFor(token: VerifiedToken, tenants: readonly TenantId[]): Promise<PushState> {
    return {
      public_key: this.config.VAPID_PUBLIC_KEY ?? null,
      browsers: await this.subscriptions.of(this.readerOf(token), tenants),
    };
  }

  /** As for what was seen: where one issuer alone is accepted, it may be renamed without losing the browsers. */
  private readerOf(token: VerifiedToken): Reader {
    return { user_id: token.user_id, issuer: this.config.JWT_ISSUER ? '' : issuerOf(token) };
  }
}

function chosen(mine: readonly TenantId[], named: readonly string[] | undefined): readonly TenantId[] {
  if (named === undefined) return mine;
  const foreign = named.findIndex((one) => !mine.some((tenant) => tenant === one));
  if (foreign >= 0) throw tenantForbidden(`/tenants/${foreign}`);
  return [...new Set(named)] as TenantId[];
}
