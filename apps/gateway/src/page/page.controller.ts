import { All, Controller, Get, Optional, Param, Req, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import type { Request, Response } from 'express';
import { BuiltPage } from './built-page';
import { ApiTags } from '../description/operation.docs';
import * as described from '../docs/pages.docs';

/** Serves the files of the page. The page itself is at `/`, which `WelcomeController` answers. */
@Controller('assets')
@ApiTags('documents')
export class PageController {
  constructor(@Optional() private readonly page?: BuiltPage) {}

  @Get(':name')
  @described.readPageAsset
  readPageAsset(@Param('name') name: string, @Req() request: Request, @Res() response: Response): void {
    if (!this.page?.sendAsset(name, request, response)) throw new Refused('not_found', 'There is no such file.');
  }

  @All(':name')
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'A file is read with GET.');
  }
}
