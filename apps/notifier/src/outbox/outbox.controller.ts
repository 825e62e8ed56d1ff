import { All, Controller, Get, Param, Req, Res } from '@nestjs/common';
import { Refused } from '@tocsin/contracts';
import type { Request, Response } from 'express';
import { OutboxFolder } from './outbox-folder';
import { listHtml, MAIL_POLICY, mailHtml, oneHtml, OUTBOX_POLICY } from './outbox-page';

/** How many messages the page lists. */
const LISTED = 200;

/**
 * `/outbox`: the messages that were written instead of sent, for the person at this machine. It shows messages of all
 * tenants without a token. So a request must come from this machine, without a proxy, and its Host must be a name of
 * this machine. The last rule stops pages that point their own host name here (DNS rebinding).
 */
@Controller('outbox')
export class OutboxController {
  constructor(private readonly folder: OutboxFolder) {}

  @Get()
  async list(@Req() request: Request, @Res() response: Response): Promise<void> {
    requireLocal(request);
    send(response, OUTBOX_POLICY, listHtml(await this.folder.list(LISTED), this.folder.path));
  }

  @Get(':name')
  async one(@Param('name') name: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    requireLocal(request);
    const message = await this.folder.read(name);
    if (!message) throw notFound();
    send(response, OUTBOX_POLICY, oneHtml(name, message));
  }

  @Get(':name/html')
  async html(@Param('name') name: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    requireLocal(request);
    const message = await this.folder.read(name);
    const html = message && mailHtml(message);
    if (!html) throw notFound();
    send(response, MAIL_POLICY, html);
  }

  @All(['', ':name', ':name/html'])
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'The outbox is read with GET.');
  }
}

const notFound = () => new Refused('not_found', 'There is no such message.');

function requireLocal({ socket, headers, hostname }: Request): void {
  const isLocal = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/.test(socket.remoteAddress ?? '');
  const isProxied = 'x-forwarded-for' in headers || 'forwarded' in headers || 'via' in headers;
  if (!isLocal || isProxied || !/^(localhost|127\.0\.0\.1|\[?::1\]?)$/.test(hostname)) throw notFound();
}

function send(response: Response, policy: string, html: string): void {
  response
    .set({
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy,
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    })
    .end(html);
}
