import { createHash } from 'node:crypto';
import { escapeHtml } from '../http/escape-html';

/** The page that a link of a message opens. */
export interface LinkPage {
  status: 200 | 404 | 409 | 410;
  title: string;
  /** Paragraphs. The texts are a producer's or a recipient's, and are escaped here. */
  says: readonly string[];
  /** A form with one button. Its `action` is relative to the page's own address. Empty means the same address. */
  button?: { label: string; action: string };
}

const STYLE = `:root{color-scheme:light dark}
body{margin:0;padding:12vh 16px;background:light-dark(#f6f7f9,#0d1015);color:light-dark(#14181f,#e9ecf1);font:16px/1.5 ui-sans-serif,-apple-system,'Segoe UI',Roboto,Arial,sans-serif}
main{max-width:480px;margin:0 auto;padding:28px;background:light-dark(#fff,#14181f);border:1px solid light-dark(#dfe3e8,#2a313c);border-radius:10px;overflow-wrap:anywhere}
h1{margin:0 0 12px;font-size:20px;line-height:1.3}
p{margin:0 0 12px;white-space:pre-line}
form{margin:20px 0 0}
button{padding:10px 18px;border:0;border-radius:6px;background:#3b5bdb;color:#fff;font:inherit;font-weight:600;cursor:pointer}
button:focus-visible{outline:2px solid light-dark(#14181f,#e9ecf1);outline-offset:2px}`;

/**
 * The content security policy of these pages. They load nothing and run no script, the hash allows their one style, and
 * the form may be submitted only to this server.
 */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The headers of these pages. The address is a credential, so it must not appear in a referrer, a cache or a search
 * engine.
 */
export const LINK_PAGE_FIELDS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': POLICY,
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Robots-Tag': 'noindex, nofollow',
  'X-Content-Type-Options': 'nosniff',
} as const;

export function linkPageHtml({ title, says, button }: LinkPage): string {
  const paragraphs = says.map((text) => `<p dir="auto">${escapeHtml(text)}</p>`).join('');
  const form =
    button &&
    `<form method="post" action="${escapeHtml(button.action)}"><button type="submit">${escapeHtml(button.label)}</button></form>`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>${paragraphs}${form ?? ''}</main></body>
</html>
`;
}
