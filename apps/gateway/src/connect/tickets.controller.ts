import { All, Controller, HttpCode, Post, Query, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import { Scopes, Tickets, Token, type VerifiedToken } from '@tocsin/auth';
import type { Response } from 'express';
import { STREAM_COOKIE, STREAM_COOKIE_OPTIONS } from './stream-request';
import { ApiTags } from '../description/operation.docs';
import * as described from './streams.docs';

/**
 * `POST /api/events/ticket`: issues a credential that is valid for streams only, so that no token is put in an address.
 * `?mode=cookie` sets it as a cookie.
 */
@Controller('api/events/ticket')
@ApiTags('streams')
export class TicketsController {
  constructor(private readonly tickets: Tickets) {}

  @Post()
  @HttpCode(201)
  @Scopes('alerts:read')
  @described.issueTicket
  issueTicket(
    @Token() token: VerifiedToken,
    @Query('mode') mode: unknown,
    @Res({ passthrough: true }) response: Response,
  ): { ticket?: string; expires_in: number; url: string } {
    if (mode === 'cookie') return this.setCookie(token, response);
    const { ticket, expires_in } = this.tickets.issue(token);
    response.set('Cache-Control', 'no-store');
    return { ticket, expires_in, url: `${streamOf(response)}?ticket=${encodeURIComponent(ticket)}` };
  }

  /** Serves an EventSource that reconnects by itself: its address holds no token, and no script can read the cookie. */
  private setCookie(token: VerifiedToken, response: Response): { expires_in: number; url: string } {
    const { cookie, expires_in } = this.tickets.issueCookie(token);
    response.set('Cache-Control', 'no-store');
    response.cookie(STREAM_COOKIE, cookie, { ...STREAM_COOKIE_OPTIONS, maxAge: expires_in * 1000 });
    return { expires_in, url: streamOf(response) };
  }

  @All()
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'POST');
    throw new Refused('method_not_allowed', 'A ticket is requested with POST.');
  }
}

/** The address of the stream, below the same base path as that of the ticket. */
const streamOf = ({ req }: Response): string => req.path.replace(/\/ticket\/?$/i, '');
