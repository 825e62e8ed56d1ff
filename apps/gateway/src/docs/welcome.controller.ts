import { All, Controller, Get, Optional, Req, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import type { Request, Response } from 'express';
import { sendPage } from './docs.controller';
import { FrontPage } from './front-page';
import { welcomeHtml } from './html';
import { ApiTags } from '../description/operation.docs';
import * as described from './pages.docs';

const WELCOME = { message: 'Welcome to Tocsin', docs: '/docs' };

/**
 * `GET /`: the page for clients that prefer text/html to JSON, such as browsers; for others a link to the
 * documentation.
 */
@Controller()
@ApiTags('documents')
export class WelcomeController {
  constructor(@Optional() private readonly page?: FrontPage) {}

  @Get()
  @described.welcome
  welcome(@Req() request: Request, @Res() response: Response): void {
    response.vary('Accept');
    if (request.accepts(['json', 'html']) !== 'html') response.json(WELCOME);
    else if (this.page) this.page.send(request, response);
    else sendPage(welcomeHtml(), response);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'This address is read with GET.');
  }
}
