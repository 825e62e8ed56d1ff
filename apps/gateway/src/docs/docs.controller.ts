import { All, Controller, Get, Param, Res } from '@nestjs/common';
import { SessionDoor } from '@tocsin/auth';
import { Refused } from '@tocsin/contracts';
import { version } from '@tocsin/observability';
import type { Response } from 'express';
import { GatewayConfig } from '../config';
import { belowBasePath } from '../http/base-path';
import { asyncApi, type AsyncApi } from './asyncapi';
import { DocsFiles } from './docs-files';
import { GuidePages } from './guide-pages';
import { apiHtml, errorsHtml, eventsHtml } from './html';
import { OpenApiDocument, type OpenApi } from './openapi.docs';
import { ApiTags } from '../description/operation.docs';
import * as described from './pages.docs';

/**
 * The content security policy of these pages: they may load and run only their own files, run nothing inline, and not
 * be framed. Swagger UI draws its icons from `data:` and sets styles on elements.
 */
export const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `/docs`: describes the API and the streams for programs and for people. Nothing in it is secret. */
@Controller('docs')
@ApiTags('documents')
export class DocsController {
  private readonly files = new DocsFiles();
  private readonly guide = new GuidePages();
  private readonly asyncApi: AsyncApi;
  private readonly pages: Record<'api' | 'events' | 'errors', string>;

  constructor(
    private readonly document: OpenApiDocument,
    sessions: SessionDoor,
    private readonly config: GatewayConfig,
  ) {
    this.asyncApi = asyncApi(version, config.BASE_PATH);
    const hasSessions = sessions.cookieName !== undefined;
    this.pages = { api: apiHtml({ hasSessions }), events: eventsHtml(this.asyncApi), errors: errorsHtml() };
  }

  @Get()
  @described.showApi
  showApi(@Res() response: Response): void {
    this.send(this.pages.api, response);
  }

  @Get('openapi.json')
  @described.readOpenApi
  readOpenApi(): Promise<OpenApi> {
    return this.document.read();
  }

  @Get('asyncapi.json')
  @described.readAsyncApi
  readAsyncApi(): AsyncApi {
    return this.asyncApi;
  }

  @Get('events')
  @described.showEvents
  showEvents(@Res() response: Response): void {
    this.send(this.pages.events, response);
  }

  @Get('errors')
  @described.showErrors
  showErrors(@Res() response: Response): void {
    this.send(this.pages.errors, response);
  }

  @Get('guide')
  @described.showGuide
  showGuide(@Res() response: Response): void {
    this.sendGuide('index', response);
  }

  @Get('guide/:name')
  @described.readGuidePage
  readGuidePage(@Param('name') name: string, @Res() response: Response): void {
    this.sendGuide(name, response);
  }

  @Get('assets/:name')
  @described.readAsset
  readAsset(@Param('name') name: string, @Res() response: Response): void {
    const file = this.files.find(name);
    if (!file) throw new Refused('not_found', 'There is no such file.');
    response
      .set({ 'Content-Type': file.type, 'Cache-Control': 'public, max-age=3600', 'X-Content-Type-Options': 'nosniff' })
      .end(file.bytes);
  }

  @All(['', 'openapi.json', 'asyncapi.json', 'events', 'errors', 'guide', 'guide/:name', 'assets/:name'])
  refuseMethod(@Res() response: Response): never {
    response.set('Allow', 'GET, HEAD');
    throw new Refused('method_not_allowed', 'Documents are read with GET.');
  }

  private sendGuide(name: string, response: Response): void {
    const html = this.guide.find(name);
    if (html === undefined) throw new Refused('not_found', 'The guide has no such page.');
    this.send(html, response);
  }

  private send(html: string, response: Response): void {
    sendPage(belowBasePath(html, this.config.BASE_PATH), response);
  }
}

export function sendPage(html: string, response: Response): void {
  response
    .set({
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': DOCS_POLICY,
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    })
    .end(html);
}
