import { All, Controller, Get, Optional, Req, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import type { Request, Response } from 'express';
import { BuiltPage } from './built-page';
import { ApiTags } from '../description/operation.docs';
import * as described from '../docs/pages.docs';

/**
 * `GET /push-worker.js`: the service worker of the page. It is served beside the page and not under `assets/`, because
 * a worker belongs to the part of the site in whose folder its script is.
 */
@Controller('push-worker.js')
@ApiTags('documents')
export class PushWorkerController {
  constructor(@Optional() private readonly page?: BuiltPage) {}

  @Get()
  @described.readPushWorker
  readPushWorker(@Req() request: Request, @Res() response: Response): void {
    if (!this.page?.sendPushWorker(request, response)) throw new Refused('not_found', 'There is no such file.');
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'A file is read with GET.');
  }
}
