import { createHash } from 'node:crypto';
import { Liquid } from 'liquidjs';
import type { ListedMessage, OutboxMessage } from './outbox-folder';

const STYLE = `:root{color-scheme:light dark}
body{margin:0;background:light-dark(#f6f7f9,#0d1015);color:light-dark(#14181f,#e9ecf1);font:15px/1.5 ui-sans-serif,-apple-system,'Segoe UI',Roboto,Arial,sans-serif}
main{max-width:920px;margin:0 auto;padding:24px 16px}
h1{margin:0 0 4px;font-size:20px;overflow-wrap:anywhere}
a{color:light-dark(#3b5bdb,#8da2ff)}
p,dl{margin:0 0 16px;color:light-dark(#576070,#9aa4b2)}
ul{margin:0;padding:0;list-style:none;background:light-dark(#fff,#14181f);border:1px solid light-dark(#dfe3e8,#2a313c);border-radius:10px;overflow:hidden}
li+li{border-top:1px solid light-dark(#dfe3e8,#2a313c)}
li a{display:block;padding:12px 16px;color:inherit;text-decoration:none;overflow-wrap:anywhere}
li a:hover{background:light-dark(#f1f3f6,#191e27)}
small{display:block;color:light-dark(#576070,#9aa4b2)}
iframe{width:100%;height:620px;border:1px solid light-dark(#dfe3e8,#2a313c);border-radius:10px;background:#fff}
pre{margin:0;padding:16px;background:light-dark(#fff,#14181f);border:1px solid light-dark(#dfe3e8,#2a313c);border-radius:10px;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,Menlo,Consolas,monospace}
details{margin:16px 0 0}summary{cursor:pointer;margin:0 0 8px}`;

const document = (body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Outbox · Tocsin</title><style>${STYLE}</style></head><body><main>${body}</main></body></html>
`;

// every value is escaped, except for the style, which is a constant
const engine = new Liquid({
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  outputEscape: 'escape',
});
const LIST = engine.parse(
  document(`<h1>Outbox</h1>
<p>What would have been sent, the newest first: no mail server is configured (SMTP_URL). The files are in {{ folder }}.</p>
{% if messages.size == 0 %}<p>Nothing yet. Publish an urgent alert, and reload.</p>
{% else %}<ul>{% for message in messages %}<li><a href="/outbox/{{ message.name }}"><span dir="auto">{{ message.subject }}</span>
<small>{{ message.channel }} to {{ message.recipient }} · {{ message.tenant_id }} · {{ message.written_at }}</small></a></li>{% endfor %}</ul>{% endif %}`),
);
const ONE = engine.parse(
  document(`<p><a href="/outbox">Outbox</a></p><h1 dir="auto">{{ message.subject }}</h1>
<p>{{ message.channel }} to {{ message.recipient }} · {{ message.tenant_id }} · {{ message.written_at }}</p>
{% if message.html %}<iframe src="/outbox/{{ name }}/html" sandbox="allow-popups allow-popups-to-escape-sandbox" title="The mail"></iframe>
<details><summary>As plain text</summary><pre dir="auto">{{ message.text }}</pre></details>
{% else %}<pre dir="auto">{{ message.text }}</pre>{% endif %}`),
);

/** The pages load nothing and run no script, and no page may frame them. A mail is shown in a frame of its own. */
export const OUTBOX_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
/**
 * The mail itself: it runs no script, has no origin, and only the outbox may frame it. Its links open another tab,
 * because their pages do not allow frames.
 */
export const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'self'";

export const listHtml = (messages: readonly ListedMessage[], folder: string): string =>
  engine.renderSync(LIST, { messages, folder }) as string;

export const oneHtml = (name: string, message: OutboxMessage): string =>
  engine.renderSync(ONE, { name, message }) as string;

export const mailHtml = ({ html }: OutboxMessage): string | undefined =>
  html?.replace('<head>', '<head><base target="_blank">');
