import { join } from 'node:path';
import { wantsTraces, type TraceSettings } from '@tocsin/observability';
import type { GatewayConfig } from '../config';
import { FrontPage } from '../docs/front-page';
import { BuiltPage } from './built-page';
import { PageFiles } from './page-files';

/** The folder into which the build puts the page, beside the apps. */
const BUILT_PAGE = join(__dirname, '..', '..', '..', 'dashboard');

/** What the page is told of this gateway, as `<meta>` elements. */
const toldOf = (config: GatewayConfig & Partial<TraceSettings>): [name: string, content: string][] => [
  ...(config.PAGE_TOKEN_URL ? [['tocsin-token-url', config.PAGE_TOKEN_URL] as [string, string]] : []),
  ...(config.OIDC_ISSUER ? [['tocsin-sign-in', config.PAGE_TOKENS ? 'or-token' : 'only'] as [string, string]] : []),
  ...(wantsTraces(config) ? [['tocsin-report-shown', 'on'] as [string, string]] : []),
];

/** Provides the page, where there is one: as itself, and as the page at `/`. */
export function providePage(config: GatewayConfig) {
  const files = config.PAGE ? PageFiles.read(BUILT_PAGE)?.below(config.BASE_PATH ?? '') : undefined;
  if (!files) return [];
  const page = toldOf(config).reduce((told, [name, content]) => told.withMeta(name, content), files);
  return [
    { provide: BuiltPage, useValue: new BuiltPage(page) },
    { provide: FrontPage, useExisting: BuiltPage },
  ];
}
