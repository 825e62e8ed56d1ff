import type { Request, Response } from 'express';
import { FrontPage } from '../docs/front-page';
import { chooseEncoding, type PageFile, type PageFiles } from './page-files';

/**
 * The content security policy: only the page's own scripts, styles, fonts, pictures and manifest, no inline scripts, no
 * framing, and no form that submits elsewhere. Styles may be inline: libraries place menus and toasts with them, and a
 * style reads nothing.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "manifest-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const IMMUTABLE = 'public, max-age=31536000, immutable';

/**
 * The page as Vite has built it: browsers revalidate its index each time, and cache the files that it names for ever.
 */
export class BuiltPage extends FrontPage {
  constructor(private readonly files: PageFiles) {
    super();
  }

  send(request: Request, response: Response): void {
    response.set({
      'Content-Security-Policy': POLICY,
      'Referrer-Policy': 'no-referrer',
      'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
      'Cross-Origin-Opener-Policy': 'same-origin',
    });
    answer(this.files.index, 'no-cache', request, response);
  }

  /**
   * Sends the push worker. False means that there is none and nothing was sent. Browsers look for a new one regularly.
   */
  sendPushWorker(request: Request, response: Response): boolean {
    const file = this.files.pushWorker;
    if (file) answer(file, 'no-cache', request, response);
    return file !== undefined;
  }

  /** Sends a file. False means that there is no such file and nothing was sent. */
  sendAsset(name: string, request: Request, response: Response): boolean {
    const file = this.files.asset(name);
    if (file) answer(file, IMMUTABLE, request, response);
    return file !== undefined;
  }
}

function answer(file: PageFile, caching: string, request: Request, response: Response): void {
  const encoding = chooseEncoding(file, request.headers['accept-encoding']);
  response.vary('Accept-Encoding');
  response.set({ 'Content-Type': file.type, 'Cache-Control': caching, 'X-Content-Type-Options': 'nosniff' });
  if (encoding !== 'identity') response.set('Content-Encoding', encoding);
  response.end(file.bytes.get(encoding));
}
