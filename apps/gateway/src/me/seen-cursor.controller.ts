import { All, Body, Controller, Get, Put, Res } from '@nestjs/common';
import { Refused, type SeenCursor, type TenantId } from '@tocsin/contracts';
import { EventLog, SeenPositions, type Reader, type SeenPosition } from '@tocsin/contracts/ports';
import { issuerOf, Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Response } from 'express';
import { idsOf, tenantForbidden, VisibleTenants } from '../access/visible-tenants';
import { TakesJson } from '../body/body.interceptor';
import { GatewayConfig } from '../config';
import { assignPositions, type SentCursor } from '../positions/cursor';
import { MAX_BODY_BYTES, SeenBody, seenIn } from './seen-body';
import { ApiTags } from '../description/operation.docs';
import * as described from './seen-cursor.docs';

/**
 * `/api/v1/me/cursor`: how far the user has seen each tenant, so that a phone and a laptop agree on what is new. It
 * only moves forward; a position in a history that was replaced is ignored.
 */
@Controller('api/v1/me/cursor')
@ApiTags('log')
@Scopes('alerts:read')
export class SeenCursorController {
  constructor(
    private readonly seen: SeenPositions,
    private readonly log: EventLog,
    private readonly visible: VisibleTenants,
    private readonly config: GatewayConfig,
  ) {}

  @Get()
  @described.readSeenCursor
  async readSeenCursor(@Token() token: VerifiedToken): Promise<SeenCursor> {
    return this.seenBy(token, idsOf(await this.visible.of(token)));
  }

  /** Responds with the stored positions, which another device may have moved farther. */
  @Put()
  @TakesJson(MAX_BODY_BYTES)
  @described.moveSeenCursor
  async moveSeenCursor(@Body() body: SeenBody, @Token() token: VerifiedToken): Promise<SeenCursor> {
    const sent = seenIn(body);
    const tenants = idsOf(await this.visible.of(token));
    await this.seen.advance(
      this.readerOf(token),
      sent.kind === 'positions' ? ownOf(sent.positions, tenants) : await this.positionsIn(sent.cursor, tenants),
    );
    return this.seenBy(token, tenants);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, PUT');
    throw new Refused('method_not_allowed', 'What was seen is read with GET and moved forward with PUT.');
  }

  private async seenBy(token: VerifiedToken, tenants: readonly TenantId[]): Promise<SeenCursor> {
    return { tenants: await this.seen.of(this.readerOf(token), tenants) };
  }

  /**
   * When only one issuer is accepted, names are unambiguous, and the issuer may be renamed without losing the
   * positions.
   */
  private readerOf(token: VerifiedToken): Reader {
    return { user_id: token.user_id, issuer: this.config.JWT_ISSUER ? '' : issuerOf(token) };
  }

  /**
   * A stream's cursor may name a tenant that is no longer the user's. A bare position names no tenant and is matched by
   * its epoch.
   */
  private async positionsIn(
    cursor: Extract<SentCursor, { kind: 'positions' }>,
    tenants: readonly TenantId[],
  ): Promise<SeenPosition[]> {
    const epochs =
      cursor.bare && tenants.length > 1
        ? await this.log.heads(tenants)
        : tenants.map((tenant_id) => ({ tenant_id, epoch: '' }));
    const assigned = assignPositions(cursor, new Map(epochs.map(({ tenant_id, epoch }) => [tenant_id, epoch])));
    return [...assigned].flatMap(([tenant_id, sent]) =>
      sent.kind === 'position' ? [{ tenant_id, epoch: sent.position.epoch, seq: sent.position.seq }] : [],
    );
  }
}

function ownOf(positions: SeenPosition[], tenants: readonly TenantId[]): SeenPosition[] {
  const foreign = positions.findIndex(({ tenant_id }) => !tenants.includes(tenant_id));
  if (foreign >= 0) throw tenantForbidden(`/tenants/${foreign}/tenant_id`);
  return positions;
}
