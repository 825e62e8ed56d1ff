import { All, Controller, Get, Param, Res } from '@nestjs/common';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { Refused, type Delivery } from '@tocsin/contracts';
import type { Response } from 'express';
import { KeepDeliveries } from './keep-deliveries';
import { ApiTags } from '../description/operation.docs';
import * as described from './deliveries.docs';

/** `GET /api/v1/alerts/:alert_id/deliveries`: the deliveries of an alert, with every attempt. */
@Controller('api/v1/alerts/:alert_id/deliveries')
@ApiTags('deliveries')
@Scopes('alerts:read')
export class AlertDeliveriesController {
  constructor(private readonly keep: KeepDeliveries) {}

  @Get()
  @described.listAlertDeliveries
  listAlertDeliveries(
    @Param('alert_id') alertId: string,
    @Token() token: VerifiedToken,
  ): Promise<{ deliveries: Delivery[] }> {
    return this.keep.ofAlert(token, alertId);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'The deliveries of an alert are read with GET.');
  }
}
