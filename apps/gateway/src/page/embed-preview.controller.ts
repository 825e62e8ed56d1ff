import { All, Controller, Get, Optional, Req, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import type { Request, Response } from 'express';
import { BuiltPage } from './built-page';
import { ApiTags } from '../description/operation.docs';
import * as described from '../docs/pages.docs';

/**
 * `GET /embed-preview`: the page, which shows there how the inbox of `@tocsin/react-client` looks in other frontends.
 * Search engines are asked to leave it out.
 */
@Controller('embed-preview')
@ApiTags('documents')
export class EmbedPreviewController {
  constructor(@Optional() private readonly page?: BuiltPage) {}

  @Get()
  @described.showEmbedPreview
  showEmbedPreview(@Req() request: Request, @Res() response: Response): void {
    if (!this.page) throw new Refused('not_found', 'This gateway was built without its page.');
    response.set('X-Robots-Tag', 'noindex, nofollow');
    this.page.send(request, response);
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'This address is read with GET.');
  }
}
