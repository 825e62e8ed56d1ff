import { Controller, Get, Query } from '@nestjs/common';
import type { EntryPage } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import { LogQuery, logOf } from './log-query';
import { ReadLog } from './read-log';
import { ApiTags } from '../description/operation.docs';
import * as described from './log.docs';

/**
 * `GET /api/v1/events`: reads the event log by cursor. POST to the same address publishes; that controller also refuses
 * every other method.
 */
@Controller('api/v1/events')
@ApiTags('log')
export class LogController {
  constructor(private readonly log: ReadLog) {}

  @Get()
  @Scopes('alerts:read')
  @described.listEvents
  listEvents(@Query() query: LogQuery, @Token() token: VerifiedToken): Promise<EntryPage> {
    return this.log.page(token, logOf(query));
  }
}
