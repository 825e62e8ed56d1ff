import { escapeHtml as escape } from '../http/escape-html';
import type { AsyncApi } from './asyncapi';
import { errorRows } from './errors-page';
import type { Schema } from '../description/json-schema';
import { framed, type DocsAddress } from './page-frame';

/** Escaped text, with what is between backticks as `code`. */
const prose = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');

const plain = (title: string, at: DocsAddress | null, body: string): string =>
  framed({ title, at, body: `<main><h1>${escape(title)}</h1>${body}</main>` });

/** The welcome where there is no page: it says what this server is and links to the documentation. */
export const welcomeHtml = (): string =>
  plain(
    'Tocsin',
    null,
    '<p>Alerts from your services to every screen of the tenant they concern. This gateway serves the API; the page is not part of it.</p>',
  );

/** What the page says of the session. Its start script shows the one that is true: see `try-it.ts`. */
const SESSION = `<p data-session="signed-in" hidden>Requests that you try here are sent as <b data-user></b>, with the token of this tab's session, until <time data-ends></time>.</p>
<p data-session="cookie" hidden>Requests that you try here are sent as <b data-user></b>, with the session of this browser, until <time data-ends></time> at the latest. A token that you give to <i>Authorize</i> counts instead.</p>
<p data-session="unknown" hidden>Whether this browser has a session is not known, because the gateway did not say. Load this page again, or choose <i>Authorize</i> and paste a token.</p>
<p data-session="ended" hidden>The token of this tab's session ended at <time data-ends></time>. Sign in on <a href="/">the page</a> again, in this tab, and come back.</p>
<p data-session="signed-out" hidden>This tab is not signed in, so most requests are answered with 401. Sign in on <a href="/">the page</a>, in this tab, and come back; or choose <i>Authorize</i> and paste a token. <code>npm run -s token</code> makes one; <a href="/docs/guide/tenants-and-tokens">tenants and tokens</a> says what it must hold.</p>
<noscript><p>This page needs JavaScript. The same document for machines: <a href="/docs/openapi.json">openapi.json</a>.</p></noscript>`;

/**
 * The page that shows the API and lets people try it. With `hasSessions`, because people sign in through an OpenID
 * provider, it also asks for the session of the browser's cookie.
 */
export const apiHtml = ({ hasSessions }: { hasSessions: boolean }): string =>
  framed({
    title: 'API',
    at: '/docs',
    head: '<link rel="stylesheet" href="/docs/assets/swagger-ui.css"><link rel="stylesheet" href="/docs/assets/api.css">',
    body: `<main><div class="session" role="status"${hasSessions ? ' data-asks' : ''}>${SESSION}</div><div id="swagger-ui"></div></main><script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/assets/try-it.js"></script>`,
  });

export function errorsHtml(): string {
  const rows = errorRows().map(
    ({ code, status, title, advice }) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${escape(title)}</td><td>${prose(advice)}</td></tr>`,
  );
  return plain(
    'Errors',
    '/docs/errors',
    `<p>Every error is <code>application/problem+json</code>. Match on its <code>code</code>.</p><div class="table" tabindex="0"><table><thead><tr><th>code</th><th>status</th><th>title</th><th>what it means, and what to do</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`,
  );
}

/** The AsyncAPI document for people: each channel with its messages, then their schemas. */
export function eventsHtml({ channels, components }: AsyncApi): string {
  const sections = Object.values(channels).map(({ address, title, description, messages }) => {
    const rows = Object.keys(messages).map(
      (name) =>
        `<tr><td><code>${escape(name)}</code></td><td>${typeOf(components.messages[name]!.payload)}</td><td>${prose(components.messages[name]!.summary)}</td></tr>`,
    );
    return `<h2>${escape(title)}</h2><p><code>${escape(address)}</code></p><p>${prose(description)}</p><div class="table" tabindex="0"><table><thead><tr><th>message</th><th>data</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
  });
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<h3 id="${escape(name)}">${escape(name)}</h3>${schema.description ? `<p>${prose(schema.description)}</p>` : ''}${fieldsOf(schema)}`,
  );
  return plain(
    'Messages and streams',
    '/docs/events',
    `<p>For machines: <a href="/docs/asyncapi.json">asyncapi.json</a>.</p>${sections.join('')}<h2>What they consist of</h2>${schemas.join('')}`,
  );
}

function fieldsOf({ properties = {}, required = [] }: Schema): string {
  const rows = Object.entries(properties).map(
    ([name, schema]) =>
      `<tr><td><code>${escape(name)}</code>${required.includes(name) ? '' : ' <small>optional</small>'}</td><td>${typeOf(schema)}</td><td>${prose(schema.description ?? '')}</td></tr>`,
  );
  return `<div class="table" tabindex="0"><table><thead><tr><th>field</th><th>type</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function typeOf(schema: Schema): string {
  if (schema.$ref) return linkTo(schema);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.enum) return schema.enum.map((value) => `<code>${escape(String(value))}</code>`).join(' · ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  const types = [schema.type ?? 'anything'].flat().join(' or ');
  const limits = [
    schema.format,
    schema.pattern && `<code>${escape(schema.pattern)}</code>`,
    schema.maxLength && `at most ${schema.maxLength}`,
    schema.maxItems && `at most ${schema.maxItems}`,
  ].filter(Boolean);
  return [types, ...limits].join(', ');
}

function linkTo({ $ref = '' }: Schema): string {
  const name = escape($ref.split('/').at(-1)!);
  return `<a href="#${name}">${name}</a>`;
}
