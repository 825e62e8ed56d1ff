import { All, Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { Refused, type Delivery, type DeliveryPage, type Redriven } from '@tocsin/contracts';
import { Log } from '@tocsin/observability';
import type { Response } from 'express';
import { TakesJson } from '../body/body.interceptor';
import { DeliveriesQuery, MAX_BODY_BYTES, OneDeliveryQuery, RedriveBody, RedriveManyBody } from './delivery-fields';
import { KeepDeliveries } from './keep-deliveries';
import { ApiTags } from '../description/operation.docs';
import * as described from './deliveries.docs';

/** `/api/v1/deliveries`: shows deliveries with every attempt, redrives dead ones and cancels waiting ones. */
@Controller('api/v1/deliveries')
@ApiTags('deliveries')
@described.deliveries
@Scopes()
export class DeliveriesController {
  constructor(
    private readonly keep: KeepDeliveries,
    private readonly log: Log,
  ) {}

  @Get()
  @described.listDeliveries
  listDeliveries(@Query() query: DeliveriesQuery, @Token() token: VerifiedToken): Promise<DeliveryPage> {
    return this.keep.page(token, query);
  }

  @Post('redrive')
  @TakesJson(MAX_BODY_BYTES)
  @HttpCode(200)
  @described.redriveDeliveries
  async redriveDeliveries(@Body() body: RedriveManyBody, @Token() token: VerifiedToken): Promise<Redriven> {
    const redriven = await this.keep.redriveMany(token, body);
    this.log.info(
      { redriven: redriven.redriven, tenant_id: body.tenant, status: body.status, by: token.user_id },
      'deliveries were redriven',
    );
    return redriven;
  }

  @All('redrive')
  refuseMethodOfMany(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'Deliveries are redriven with POST.');
  }

  @Get(':id')
  @described.showDelivery
  showDelivery(
    @Param('id') id: string,
    @Query() query: OneDeliveryQuery,
    @Token() token: VerifiedToken,
  ): Promise<Delivery> {
    return this.keep.one(token, id, query.tenant);
  }

  @Post(':id/redrive')
  @TakesJson(MAX_BODY_BYTES)
  @HttpCode(200)
  @described.redriveDelivery
  async redriveDelivery(
    @Param('id') id: string,
    @Query() query: OneDeliveryQuery,
    @Body() body: RedriveBody,
    @Token() token: VerifiedToken,
  ): Promise<Delivery> {
    const delivery = await this.keep.redrive(token, id, query.tenant, body.may_repeat === true);
    this.log.info(
      { delivery_id: delivery.delivery_id, tenant_id: delivery.tenant_id, by: token.user_id },
      'a delivery was redriven',
    );
    return delivery;
  }

  @Delete(':id')
  @described.cancelDelivery
  cancelDelivery(
    @Param('id') id: string,
    @Query() query: OneDeliveryQuery,
    @Token() token: VerifiedToken,
  ): Promise<Delivery> {
    return this.keep.cancel(token, id, query.tenant);
  }

  @All(':id/redrive')
  refuseMethodOfRedrive(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'Deliveries are redriven with POST.');
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'Deliveries are read with GET.');
  }

  @All(':id')
  refuseMethodOfOne(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, DELETE');
    throw new Refused('method_not_allowed', 'A delivery is read with GET and cancelled with DELETE.');
  }
}
