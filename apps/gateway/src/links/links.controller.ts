import { All, Controller, Get, Headers, Param, Post, Req, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import { traceIdOf } from '@tocsin/messages';
import type { Request, Response } from 'express';
import { FollowLinks } from './follow-links';
import { LINK_PAGE_FIELDS, linkPageHtml, type LinkPage } from './link-page';
import { ApiTags } from '../description/operation.docs';
import * as described from './links.docs';

/**
 * The links in messages: `/a/…` acknowledges an alert, `/u/…` unsubscribes. The signed token in the address is the only
 * credential. GET and HEAD change nothing. POST does. Its body is not read, because in RFC 8058 it is always the same.
 */
@Controller()
@ApiTags('links')
export class LinksController {
  constructor(private readonly follow: FollowLinks) {}

  @Get('a/:token')
  @described.showAcknowledgement
  async showAcknowledgement(@Param('token') token: string, @Res() response: Response): Promise<void> {
    send(await this.follow.showAlert(token), response);
  }

  @Post('a/:token')
  @described.acknowledgeByLink
  async acknowledgeByLink(
    @Param('token') token: string,
    @Headers('traceparent') traceparent: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    send(await this.follow.acknowledge(token, traceIdOf(traceparent)), response);
  }

  @Get('u/:token')
  @described.showSubscription
  async showSubscription(@Param('token') token: string, @Res() response: Response): Promise<void> {
    send(await this.follow.showSubscription(token), response);
  }

  /** Unsubscribes. With `?again` in the address, it undoes that. */
  @Post('u/:token')
  @described.unsubscribe
  async unsubscribe(@Param('token') token: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const page = 'again' in request.query ? this.follow.subscribeAgain(token) : this.follow.unsubscribe(token);
    send(await page, response);
  }

  @All(['a/:token', 'u/:token'])
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD, POST');
    throw new Refused('method_not_allowed', 'This address is read with GET, and does what it says with POST.');
  }
}

function send(page: LinkPage, response: Response): void {
  response.status(page.status).set(LINK_PAGE_FIELDS).end(linkPageHtml(page));
}
