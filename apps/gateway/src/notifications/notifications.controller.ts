import { All, Body, Controller, Delete, Get, Headers, Param, Post, Query, Res } from '@nestjs/common';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import {
  Refused,
  type CancelledNotification,
  type Notification,
  type NotificationDetail,
  type NotificationPage,
} from '@tocsin/contracts';
import type { Response } from 'express';
import { TakesJson } from '../body/body.interceptor';
import { KeepNotifications } from './keep-notifications';
import { MAX_BODY_BYTES, NotificationBody, NotificationsQuery } from './notification-body';
import { ApiTags } from '../description/operation.docs';
import * as described from './notifications.docs';

/** 1 to 255 printable characters of ASCII. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * `/api/v1/notifications`: messages to people that a service or user asks for, to be sent now or at a later time. 201
 * means that the notification is stored. The notifier sends it afterwards.
 */
@Controller('api/v1/notifications')
@ApiTags('notifications')
@described.notifications
@Scopes()
export class NotificationsController {
  constructor(private readonly keep: KeepNotifications) {}

  @Post()
  @TakesJson(MAX_BODY_BYTES, { required: true })
  @described.createNotification
  async createNotification(
    @Body() body: NotificationBody,
    @Headers('Idempotency-Key') key: string | undefined,
    @Token() token: VerifiedToken,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Notification> {
    if (key !== undefined && !KEY.test(key))
      throw new Refused('invalid_request', 'An Idempotency-Key has 1 to 255 printable characters, without spaces.');
    const notification = await this.keep.create(token, body, key);
    response.location(`${response.req.path.replace(/\/$/, '')}/${notification.notification_id}`);
    return notification;
  }

  @Get()
  @described.listNotifications
  listNotifications(@Query() query: NotificationsQuery, @Token() token: VerifiedToken): Promise<NotificationPage> {
    return this.keep.page(token, query);
  }

  @Get(':id')
  @described.showNotification
  showNotification(@Param('id') id: string, @Token() token: VerifiedToken): Promise<NotificationDetail> {
    return this.keep.one(token, id);
  }

  @Delete(':id')
  @described.cancelNotification
  cancelNotification(@Param('id') id: string, @Token() token: VerifiedToken): Promise<CancelledNotification> {
    return this.keep.cancel(token, id);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, POST');
    throw new Refused('method_not_allowed', 'Notifications are asked for with POST and listed with GET.');
  }

  @All(':id')
  refuseMethodOfOne(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, DELETE');
    throw new Refused('method_not_allowed', 'A notification is read with GET and cancelled with DELETE.');
  }
}
