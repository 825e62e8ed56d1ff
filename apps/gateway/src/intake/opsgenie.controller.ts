import { Controller, Get, HttpCode, Param, Post, Put, Query, Req, UseFilters, UseGuards } from '@nestjs/common';
import {
  MessageGroup,
  OPSGENIE_ACTIONS,
  OPSGENIE_TEXTS,
  readOpsgenieAlert,
  readOpsgenieChange,
  readOpsgenieUpdate,
  Turns,
  type MessageShape,
} from '@tocsin/messages';
import { Refused, type TenantId } from '@tocsin/contracts';
import { AlertQueries } from '@tocsin/contracts/ports';
import type { Request } from 'express';
import { isAlertId } from '../alerts/act-body';
import { EVENT_BODY, TakesBody } from '../body/body.interceptor';
import { jsonBodyOf } from '../request/json-object';
import { namedSoon } from './named-soon';
import { OpsgenieKeyGuard } from './opsgenie-key.guard';
import { OpsgenieErrors } from './peer-errors.filter';
import { PeerPublisher } from './peer-publisher';
import { PublishEvents, type Published, type Publisher } from './publish-events';
import type { RequestAccepted, RequestProcessed } from './published-answer';
import { defaultsIn, MAX_BATCH } from './read-events';
import { decodeInSlices } from './sliced-json';
import { ApiTags } from '../description/operation.docs';
import * as described from './peers.docs';

interface Address {
  tenant: string;
  service?: string;
}

/**
 * Imitates Opsgenie's Alert API for its clients, with a service token as their key. It creates an alert, and closes it
 * by its alias or by our id of the alert. A second request with the same alias is a repeat. Acknowledgements and notes
 * become notes. What replaces a text of the alert is accepted, and changes nothing.
 */
@Controller(['api/v1/opsgenie/:tenant/v2/alerts', 'api/v1/opsgenie/:tenant/:service/v2/alerts'])
@ApiTags('publishing')
@UseGuards(OpsgenieKeyGuard)
@UseFilters(OpsgenieErrors)
export class OpsgenieController {
  constructor(
    private readonly publishers: PeerPublisher,
    private readonly events: PublishEvents,
    private readonly queries: AlertQueries,
  ) {}

  @Post()
  @TakesBody(EVENT_BODY)
  @HttpCode(202)
  @described.createOpsgenieAlert
  createOpsgenieAlert(@Param() address: Address, @Req() request: Request): Promise<RequestAccepted> {
    return this.take(address, request, () => readOpsgenieAlert);
  }

  @Post(':identifier/:action')
  @TakesBody(EVENT_BODY)
  @HttpCode(202)
  @described.updateOpsgenieAlert
  updateOpsgenieAlert(
    @Param() address: Address & { identifier: string; action: string },
    @Query('identifierType') type: unknown,
    @Req() request: Request,
  ): Promise<RequestAccepted> {
    const action = OPSGENIE_ACTIONS.find((known) => known === address.action);
    if (!action) throw new Refused('not_found', `There are ${OPSGENIE_ACTIONS.join(', ')}.`);
    return this.take(address, request, async (publisher) => {
      const alias = await this.aliasOf(address, type, publisher);
      return (fields) => readOpsgenieUpdate(alias, action, fields);
    });
  }

  /** Alertmanager sends it with `update_alerts`, and gives the alert up when it is refused. */
  @Put(':identifier/:action')
  @TakesBody(EVENT_BODY)
  @HttpCode(202)
  @described.changeOpsgenieAlert
  changeOpsgenieAlert(
    @Param() address: Address & { identifier: string; action: string },
    @Query('identifierType') type: unknown,
    @Req() request: Request,
  ): Promise<RequestAccepted> {
    if (!OPSGENIE_TEXTS.some((known) => known === address.action))
      throw new Refused('not_found', `There are ${OPSGENIE_TEXTS.join(', ')}.`);
    return this.take(address, request, async (publisher) => {
      const alias = await this.aliasOf(address, type, publisher);
      return () => readOpsgenieChange(alias);
    });
  }

  /** The outcome of a request, available once its alert is stored. Clients ask a few times, without a pause. */
  @Get('requests/:requestId')
  @described.readOpsgenieRequest
  async readOpsgenieRequest(
    @Param() { tenant, service = 'opsgenie', requestId }: Address & { requestId: string },
    @Req() request: Request,
  ): Promise<RequestProcessed> {
    const startedAt = performance.now();
    const { publishesFor } = await this.publishers.of(request);
    const of = defaultsIn({ tenant, service }).tenant_id as TenantId;
    const alias = Buffer.from(requestId, 'base64url').toString();
    // An alert's key never holds a character that cannot be stored.
    if (alias.includes('\0')) throw noSuchRequest();
    const alert = publishesFor(of) && (await namedSoon(this.queries, of, service, alias));
    if (!alert) throw noSuchRequest();
    return {
      data: { success: true, isSuccess: true, status: STORED, alertId: alert.alert_id, alias },
      took: tookSince(startedAt),
      requestId,
    };
  }

  private async take(
    address: Address,
    request: Request,
    reader: (publisher: Publisher) => ReadUpdate | Promise<ReadUpdate>,
  ): Promise<RequestAccepted> {
    const startedAt = performance.now();
    const publisher = await this.publishers.of(request);
    const body = jsonBodyOf(request);
    const decoded = await decodeInSlices(body.length > 0 ? body : Buffer.from('{}'), MAX_BATCH, new Turns());
    const { tenant, service } = address;
    const group = MessageGroup.of(
      decoded.value,
      defaultsIn({ tenant, service }),
      body,
      decoded.escapes,
      await reader(publisher),
    );
    if (!group)
      throw new Refused('invalid_field', NO_ALERT, {
        errors: [{ pointer: '/message', code: 'invalid_field', detail: NO_ALERT }],
      });
    return accepted(await this.events.publishGroup(group, publisher), startedAt);
  }

  /**
   * Resolves our id of an alert only when the sender does not mark the identifier as an alias: any text may be an
   * alias.
   */
  private async aliasOf(
    { tenant, service = 'opsgenie', identifier }: Address & { identifier: string },
    type: unknown,
    { publishesFor }: Publisher,
  ): Promise<string> {
    const of = defaultsIn({ tenant, service }).tenant_id as TenantId;
    if (type === 'alias' || !isAlertId(identifier) || !publishesFor(of)) return identifier;
    const [alert] = await this.queries.find([of], [identifier.toLowerCase()]);
    return alert?.service === service ? (alert.dedup_key ?? identifier) : identifier;
  }
}

type ReadUpdate = (fields: unknown) => MessageShape | undefined;

/** The outcome says no more, because a publisher has no right to read. */
const STORED = 'The alert is stored.';
const NO_ALERT = 'An alert with a message is expected.';
const noSuchRequest = () => new Refused('not_found', 'There is no alert of this request yet.');
const tookSince = (startedAt: number): number => Math.round(performance.now() - startedAt) / 1_000;

function accepted({ messages, acknowledged }: Published, startedAt: number): RequestAccepted {
  const alias = (acknowledged ?? messages[0])!.dedup_key!;
  return {
    result: 'Request will be processed',
    took: tookSince(startedAt),
    requestId: Buffer.from(alias).toString('base64url'),
  };
}
