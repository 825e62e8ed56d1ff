import { All, Body, Controller, Get, HttpCode, Param, ParseUUIDPipe, Patch, Post, Query, Res } from '@nestjs/common';
import { requireScopes, Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { Refused, type TenantId, type WebhookEndpoint, type WebhookSecret } from '@tocsin/contracts';
import { Doorbell, WebhookEndpoints } from '@tocsin/contracts/ports';
import { Log } from '@tocsin/observability';
import type { Response } from 'express';
import { idsOf, tenantsAskedFor, VisibleTenants } from '../access/visible-tenants';
import { TakesJson } from '../body/body.interceptor';
import { TenantsQuery } from '../request/list-parameters';
import { changeOf, EndpointBody, EndpointChangeBody, MAX_BODY_BYTES } from './endpoint-body';
import { ApiTags } from '../description/operation.docs';
import * as described from './webhooks.docs';

const NOT_FOUND = 'There is no such webhook.';
const Id = () => Param('id', new ParseUUIDPipe({ exceptionFactory: () => new Refused('not_found', NOT_FOUND) }));
const READS = ['alerts:read'] as const;
const ACTS = ['alerts:write'] as const;

/**
 * `/api/v1/webhooks`: the addresses to which a tenant's webhooks are posted. Reading needs `alerts:read`. Everything
 * else, and reading a secret or a whole address, needs `alerts:write` and a role other than `viewer`. A webhook of
 * another tenant is not found.
 */
@Controller('api/v1/webhooks')
@ApiTags('webhooks')
@Scopes()
export class WebhooksController {
  constructor(
    private readonly endpoints: WebhookEndpoints,
    private readonly tenants: VisibleTenants,
    private readonly doorbell: Doorbell,
    private readonly log: Log,
  ) {}

  @Get()
  @described.listWebhooks
  async listWebhooks(
    @Query() { tenant }: TenantsQuery,
    @Token() token: VerifiedToken,
  ): Promise<{ webhooks: WebhookEndpoint[] }> {
    requireScopes(token, READS);
    const mine = tenantsAskedFor(await this.tenants.of(token), tenant ?? null);
    const shown = await this.tenants.addressesShownTo(token);
    const webhooks = await this.endpoints.list(idsOf(mine));
    return { webhooks: webhooks.map((one) => ({ ...one, url: shown(one.tenant_id, one.url) })) };
  }

  /** Configures an address, which may be new or known already: 200 with the endpoint. */
  @Post()
  @HttpCode(200)
  @TakesJson(MAX_BODY_BYTES)
  @described.configureWebhook
  async configureWebhook(@Body() body: EndpointBody, @Token() token: VerifiedToken): Promise<WebhookEndpoint> {
    const { tenant_id, url, ...change } = body;
    requireScopes(token, ACTS);
    await this.tenants.actingIn(token, tenant_id);
    const { endpoint_id } = await this.endpoints.use(tenant_id, canonical(url));
    return this.changed(token, [tenant_id], endpoint_id, changeOf(change));
  }

  @Get(':id')
  @described.showWebhook
  async showWebhook(@Id() id: string, @Token() token: VerifiedToken): Promise<WebhookEndpoint> {
    requireScopes(token, READS);
    const endpoint = found(await this.endpoints.find(idsOf(await this.tenants.of(token)), id));
    const shown = await this.tenants.addressesShownTo(token);
    return { ...endpoint, url: shown(endpoint.tenant_id, endpoint.url) };
  }

  @Patch(':id')
  @TakesJson(MAX_BODY_BYTES)
  @described.changeWebhook
  async changeWebhook(
    @Id() id: string,
    @Body() body: EndpointChangeBody,
    @Token() token: VerifiedToken,
  ): Promise<WebhookEndpoint> {
    return this.changed(token, await this.actingTenants(token, id), id, changeOf(body));
  }

  @Get(':id/secret')
  @described.showWebhookSecret
  async showWebhookSecret(
    @Id() id: string,
    @Token() token: VerifiedToken,
    @Res({ passthrough: true }) response: Response,
  ): Promise<WebhookSecret> {
    const secret = found(await this.endpoints.secretOf(await this.actingTenants(token, id), id, token.user_id));
    this.log.info({ endpoint_id: id, by: token.user_id }, 'the secret of a webhook was shown');
    response.set('Cache-Control', 'no-store');
    return secret;
  }

  /** Asks for a notification to this webhook only. The `notification_id` of the answer leads to its outcome. */
  @Post(':id/test')
  @HttpCode(202)
  @described.testWebhook
  async testWebhook(@Id() id: string, @Token() token: VerifiedToken): Promise<{ notification_id: string }> {
    const tenants = await this.actingTenants(token, id);
    const notification_id = found(await this.endpoints.test(tenants, id, token.user_id));
    await this.doorbell.ring();
    return { notification_id };
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, POST');
    throw new Refused('method_not_allowed', 'Webhooks are listed with GET and configured with POST.');
  }

  @All(':id')
  refuseMethodOfOne(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, PATCH');
    throw new Refused('method_not_allowed', 'A webhook is read with GET and changed with PATCH.');
  }

  @All(':id/secret')
  refuseMethodOfSecret(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'A secret is read with GET, and rotated with PATCH of its webhook.');
  }

  @All(':id/test')
  refuseMethodOfTest(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'A test is asked for with POST.');
  }

  private async changed(
    token: VerifiedToken,
    tenants: readonly TenantId[],
    id: string,
    change: ReturnType<typeof changeOf>,
  ): Promise<WebhookEndpoint> {
    const endpoint = found(await this.endpoints.change(tenants, id, token.user_id, change));
    this.log.info(
      { tenant_id: endpoint.tenant_id, endpoint_id: id, by: token.user_id, fields: Object.keys(change) },
      'a webhook was configured',
    );
    return endpoint;
  }

  /** The tenants in which the user may act. A webhook that the user may only read is refused as such. */
  private async actingTenants(token: VerifiedToken, id: string): Promise<readonly TenantId[]> {
    requireScopes(token, ACTS);
    return this.tenants.actingOn(token, async (viewed) => (await this.endpoints.find(viewed, id)) !== undefined);
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Refused('not_found', NOT_FOUND);
  return value;
}

/** The form under which the notifier uses the address. */
function canonical(text: string): string {
  const url = new URL(text);
  url.hash = '';
  return url.href;
}
