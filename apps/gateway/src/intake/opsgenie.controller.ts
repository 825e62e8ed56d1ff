import { Controller, HttpCode, Param, Post, Query, Req, UseFilters } from '@nestjs/common';
import { decodeJson, MessageGroup, readOpsgenieAlert, readOpsgenieUpdate, Refused, type MessageShape, type TenantId } from '@tocsin/contracts';
import { AlertQueries } from '@tocsin/contracts/ports';
import type { Request } from 'express';
import { randomUUID } from 'node:crypto';
import { isAlertId } from '../alerts/act-request';
import { GatewayConfig } from '../config';
import { jsonBodyOf } from '../json-object';
import { OpsgenieErrors } from './peer-errors';
import { PeerPublisher } from './peer-publisher';
import { PublishEvents, type Published, type Publisher } from './publish-events';
import { defaultsIn } from './read-events';

/** Opsgenie's answer: the request is done later, as it is here. */
export interface RequestAccepted {
  result: 'Request will be processed';
  /** Seconds. */
  took: number;
  requestId: string;
  /** Ours: the key of the alert, by which it is closed when it was given no alias. */
  alias?: string;
}

interface Address {
  tenant: string;
  service?: string;
  identifier: string;
}

/**
 * What Opsgenie's clients call its Alert API, with a service token as their key: creates an alert, closes and acknowledges it by
 * its alias, or by our id of the alert. A second request of the same alias is a repeat. An acknowledgement is a note.
 */
@Controller(['api/v1/opsgenie/:tenant/v2/alerts', 'api/v1/opsgenie/:tenant/:service/v2/alerts'])
@UseFilters(OpsgenieErrors)
export class OpsgenieController {
  constructor(
    private readonly publishers: PeerPublisher,
    private readonly events: PublishEvents,
    private readonly queries: AlertQueries,
    private readonly config: GatewayConfig,
  ) {}

  @Post()
  @HttpCode(202)
  create(@Param() address: Address, @Req() request: Request): Promise<RequestAccepted> {
    return this.take(address, request, () => readOpsgenieAlert);
  }

  @Post(':identifier/close')
  @HttpCode(202)
  close(@Param() address: Address, @Query('identifierType') type: unknown, @Req() request: Request): Promise<RequestAccepted> {
    return this.take(address, request, (publisher) => this.update(address, type, 'close', publisher));
  }

  @Post(':identifier/acknowledge')
  @HttpCode(202)
  acknowledge(@Param() address: Address, @Query('identifierType') type: unknown, @Req() request: Request): Promise<RequestAccepted> {
    return this.take(address, request, (publisher) => this.update(address, type, 'acknowledge', publisher));
  }

  private async take(
    address: Address,
    request: Request,
    reader: (publisher: Publisher) => ReadUpdate | Promise<ReadUpdate>,
  ): Promise<RequestAccepted> {
    const startedAt = performance.now();
    const publisher = await this.publishers.of(request);
    const body = jsonBodyOf(request);
    const decoded = decodeJson(body.length > 0 ? body : Buffer.from('{}'), this.config.MAX_EVENT_BYTES);
    if (!decoded.ok) throw new Refused(decoded.code, decoded.detail);
    const { tenant, service } = address;
    const group = MessageGroup.of(decoded.value, defaultsIn({ tenant, service }), body, decoded.escapes, await reader(publisher));
    if (!group) throw new Refused('invalid_field', NO_ALERT, { errors: [{ pointer: '/message', code: 'invalid_field', detail: NO_ALERT }] });
    return accepted(await this.events.publishGroup(group, publisher), startedAt);
  }

  /** By our id of an alert only where the sender names its kind: any text may be an alias. */
  private async update({ tenant, service = 'opsgenie', identifier }: Address, type: unknown, act: 'close' | 'acknowledge', { publishesFor }: Publisher): Promise<ReadUpdate> {
    const { tenant_id } = defaultsIn({ tenant, service });
    const of = tenant_id as TenantId;
    let alias = identifier;
    if (type !== 'alias' && isAlertId(identifier) && publishesFor(of)) {
      const [alert] = await this.queries.find([of], [identifier.toLowerCase()]);
      if (alert?.service === service && alert.dedup_key !== null) alias = alert.dedup_key;
    }
    return (fields) => readOpsgenieUpdate(alias, act, fields);
  }
}

type ReadUpdate = (fields: unknown) => MessageShape | undefined;

const NO_ALERT = 'An alert with a message is expected.';

function accepted({ messages }: Published, startedAt: number): RequestAccepted {
  const alias = messages[0]?.dedup_key;
  return { result: 'Request will be processed', took: Math.round(performance.now() - startedAt) / 1_000, requestId: randomUUID(), ...(alias && { alias }) };
}
