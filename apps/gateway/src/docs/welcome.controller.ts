import { All, Controller, Get, Optional, Req, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import type { Request, Response } from 'express';
import { GatewayConfig } from '../config';
import { belowBasePath } from '../http/base-path';
import { sendPage } from './docs.controller';
import { FrontPage } from './front-page';
import { welcomeHtml } from './html';
import { ApiTags } from '../description/operation.docs';
import * as described from './pages.docs';

/**
 * `GET /`: the page for clients that prefer text/html to JSON, such as browsers; for others a link to the
 * documentation.
 */
@Controller()
@ApiTags('documents')
export class WelcomeController {
  constructor(
    private readonly config: GatewayConfig,
    @Optional() private readonly page?: FrontPage,
  ) {}

  @Get()
  @described.welcome
  welcome(@Req() request: Request, @Res() response: Response): void {
    response.vary('Accept');
    if (request.accepts(['json', 'html']) !== 'html')
      response.json({ message: 'Welcome to Tocsin', docs: `${this.config.BASE_PATH}/docs` });
    else if (this.page) this.page.send(request, response);
    else sendPage(belowBasePath(welcomeHtml(), this.config.BASE_PATH), response);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'This address is read with GET.');
  }
}
