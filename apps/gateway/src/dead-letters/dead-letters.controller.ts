import { All, Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { Refused, type DeadLetterSummary, type TenantId } from '@tocsin/contracts';
import { DeadLetters, type BuriedLetter, type DeadLetterReach } from '@tocsin/contracts/ports';
import { requireScopes, Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { Log } from '@tocsin/observability';
import type { Response } from 'express';
import { isUtf8 } from 'node:buffer';
import { idsOf, roleForbidden, tenantForbidden, VisibleTenants } from '../access/visible-tenants';
import { TakesJson } from '../body/body.interceptor';
import { NoParameters } from '../request/no-parameters';
import {
  DeadLettersQuery,
  DiscardBody,
  DiscardManyBody,
  lettersOf,
  ManyLettersBody,
  manyOf,
  MAX_BODY_BYTES,
  readNumber,
} from './dead-letter-fields';
import { SettleDeadLetters, type Settled } from './settle-dead-letters';
import * as described from './dead-letters.docs';

const EVERY_OPEN = { tenant_id: null, reason: null, up_to: null, whole: false };
const MANAGES = ['dead_letters:manage'] as const;

/** A letter with its message, as text when it is valid UTF-8 and in base64 otherwise. */
export type ShownLetter = BuriedLetter & { body: string; body_encoding: 'utf8' | 'base64' };

/**
 * `/api/v1/dead-letters`: messages that were refused because of their content, and the decisions about them. A token
 * with `dead_letters:manage` reaches the letters of its user's tenants. A token with `dead_letters:operate` reaches
 * every letter, including those without a tenant. A letter of another tenant is answered as not found. A user with the
 * role `viewer` in a tenant decides nothing there.
 */
@Controller('api/v1/dead-letters')
@described.deadLetters
@Scopes()
export class DeadLettersController {
  constructor(
    private readonly deadLetters: DeadLetters,
    private readonly settle: SettleDeadLetters,
    private readonly tenants: VisibleTenants,
    private readonly log: Log,
  ) {}

  @Get()
  @described.listDeadLetters
  async listDeadLetters(
    @Query() asked: DeadLettersQuery,
    @Token() token: VerifiedToken,
  ): Promise<{ items: BuriedLetter[]; cursor: string | null }> {
    const query = lettersOf(asked);
    const items = await this.deadLetters.list(await this.reachOf(token, query.tenant_id), query);
    return { items, cursor: items.length === query.limit ? String(items.at(-1)!.dead_letter_id) : null };
  }

  @Get('summary')
  @described.summariseDeadLetters
  async summariseDeadLetters(@Query() _query: NoParameters, @Token() token: VerifiedToken): Promise<DeadLetterSummary> {
    const reach = await this.reachOf(token);
    const { letters, newest } = await this.deadLetters.count(reach, EVERY_OPEN);
    if (newest === null) return { open: letters, newest: null };
    const query = { tenant_id: null, reason: null, status: null, behind: newest - 1, limit: 1 };
    const [letter] = await this.deadLetters.list(reach, query);
    // decided and deleted between the two questions
    if (letter?.dead_letter_id !== newest) return { open: letters, newest: null };
    const { dead_letter_id, tenant_id, reason, buried_at } = letter;
    return { open: letters, newest: { dead_letter_id, tenant_id, reason, buried_at } };
  }

  @Get(':id')
  @described.showDeadLetter
  async showDeadLetter(@Param('id') id: string, @Token() token: VerifiedToken): Promise<ShownLetter> {
    const letter = await this.deadLetters.find(await this.reachOf(token), readNumber(id));
    if (!letter) throw new Refused('not_found', 'There is no such dead letter.');
    const { body, ...rest } = letter;
    const body_encoding = isUtf8(body) ? 'utf8' : 'base64';
    return { ...rest, body: body.toString(body_encoding), body_encoding };
  }

  @Post('redrive')
  @TakesJson(MAX_BODY_BYTES)
  @HttpCode(200)
  @described.redriveDeadLetters
  async redriveDeadLetters(@Body() body: ManyLettersBody, @Token() token: VerifiedToken): Promise<Settled> {
    const many = manyOf(body);
    const settled = await this.settle.redriveMany(await this.actingReachOf(token, many.tenant_id), many, token.user_id);
    this.log.info(
      { ...settled, tenant_id: many.tenant_id, reason: many.reason, decided_by: token.user_id },
      'dead letters were redriven',
    );
    return settled;
  }

  @Post('discard')
  @TakesJson(MAX_BODY_BYTES)
  @HttpCode(200)
  @described.discardDeadLetters
  async discardDeadLetters(@Body() body: DiscardManyBody, @Token() token: VerifiedToken): Promise<Settled> {
    const many = manyOf(body);
    const settled = await this.settle.discardMany(
      await this.actingReachOf(token, many.tenant_id),
      many,
      token.user_id,
      body.note.trim(),
    );
    this.log.info(
      { ...settled, tenant_id: many.tenant_id, reason: many.reason, decided_by: token.user_id },
      'dead letters were discarded',
    );
    return settled;
  }

  @Post(':id/redrive')
  @HttpCode(200)
  @described.redriveDeadLetter
  async redriveDeadLetter(@Param('id') id: string, @Token() token: VerifiedToken): Promise<BuriedLetter> {
    const number = readNumber(id);
    const letter = await this.settle.redrive(await this.actingReachOf(token, null, number), number, token.user_id);
    this.log.info(
      { dead_letter_id: letter.dead_letter_id, tenant_id: letter.tenant_id, decided_by: letter.decided_by },
      'a dead letter was redriven',
    );
    return letter;
  }

  @Post(':id/discard')
  @TakesJson(MAX_BODY_BYTES)
  @HttpCode(200)
  @described.discardDeadLetter
  async discardDeadLetter(
    @Param('id') id: string,
    @Body() body: DiscardBody,
    @Token() token: VerifiedToken,
  ): Promise<BuriedLetter> {
    const number = readNumber(id);
    const letter = await this.settle.discard(
      await this.actingReachOf(token, null, number),
      number,
      token.user_id,
      body.note.trim(),
    );
    this.log.info(
      { dead_letter_id: letter.dead_letter_id, tenant_id: letter.tenant_id, decided_by: letter.decided_by },
      'a dead letter was discarded',
    );
    return letter;
  }

  @All(['redrive', 'discard', ':id/redrive', ':id/discard'])
  refuseMethodOfAct(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'Dead letters are redriven and discarded with POST.');
  }

  @All(['', 'summary', ':id'])
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'Dead letters are read with GET.');
  }

  /** The letters that the token may read. */
  private async reachOf(token: VerifiedToken, asked: TenantId | null = null): Promise<DeadLetterReach> {
    if (token.scopes.has('dead_letters:operate')) return this.operatorsReach(token, asked);
    requireScopes(token, MANAGES);
    return asked === null ? idsOf(await this.tenants.of(token)) : idsOf([await this.tenants.in(token, asked)]);
  }

  /**
   * The letters that the token may decide on: as with alerts, a viewer may only read. The caller names a tenant, or a
   * letter by its number.
   */
  private async actingReachOf(token: VerifiedToken, asked: TenantId | null, letter?: number): Promise<DeadLetterReach> {
    if (token.scopes.has('dead_letters:operate')) return this.operatorsReach(token, asked);
    requireScopes(token, MANAGES);
    if (asked !== null) return idsOf([await this.tenants.actingIn(token, asked)]);
    const acting = await this.tenants.actingOn(
      token,
      async (viewed) => letter !== undefined && (await this.deadLetters.find(viewed, letter)) !== undefined,
    );
    if (acting.length === 0) throw roleForbidden();
    return acting;
  }

  /**
   * An operator belongs to no tenant and needs no directory lookup. A tenant revoked from the token is still out of
   * reach.
   */
  private operatorsReach(token: VerifiedToken, asked: TenantId | null): DeadLetterReach {
    const revoked = this.tenants.revokedFrom(token);
    if (asked !== null && revoked.has(asked)) throw tenantForbidden();
    return { allBut: [...revoked] };
  }
}
