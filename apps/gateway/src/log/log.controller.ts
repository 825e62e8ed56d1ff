import { Controller, Get, Req } from '@nestjs/common';
import type { EntryPage } from '@tocsin/contracts';
import { Scopes, Token, type VerifiedToken } from '@tocsin/auth';
import type { Request } from 'express';
import { readLimit, readParameters, single } from '../request/list-parameters';
import { list, readEntryFilter } from '../request/entry-filter';
import { ReadLog } from './read-log';

/** `GET /api/v1/events`: the log by cursor. POST to the same address publishes, and refuses every other method. */
@Controller('api/v1/events')
export class LogController {
  constructor(private readonly log: ReadLog) {}

  @Get()
  @Scopes('alerts:read')
  page(@Req() request: Request, @Token() token: VerifiedToken): Promise<EntryPage> {
    const query = readParameters(
      request.url,
      ['tenant', 'tenant_id', 'severity', 'type', 'service', 'limit', 'after'],
      { labels: true },
    );
    const tenants = list(query, 'tenant') ?? list(query, 'tenant_id');
    return this.log.page(token, {
      tenants,
      after: single(query, 'after'),
      filter: readEntryFilter(query),
      limit: readLimit(query),
    });
  }
}
