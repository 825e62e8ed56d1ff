import { escapeHtml as escape } from '../http/escape-html';
import type { AsyncApi } from './asyncapi';
import { errorRows } from './errors-page';
import type { Schema } from '../description/json-schema';

/** Escaped text, with what is between backticks as `code`. */
const prose = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');

const document = (title: string, head: string, body: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title>
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">${head}</head>
<body>${body}</body>
</html>
`;

const NAVIGATION =
  '<nav><a href="/docs">API</a> · <a href="/docs/events">Messages and streams</a> · <a href="/docs/errors">Errors</a> · <a href="/docs/guide">Guide</a></nav>';
const plain = (title: string, body: string): string =>
  document(
    title,
    '<link rel="stylesheet" href="/docs/assets/plain.css">',
    `${NAVIGATION}<h1>${escape(title)}</h1>${body}`,
  );

/** The welcome where there is no page: it says what this server is and links to the documentation. */
export const welcomeHtml = (): string =>
  plain(
    'Tocsin',
    '<p>Alerts from your services to every screen of the tenant they concern. This gateway serves the API; the page is not part of it.</p>',
  );

/** The page that shows the API and lets people try it. Its start script passes the token on: see `try-it.ts`. */
export const apiHtml = (): string =>
  document(
    'Tocsin: API',
    '<link rel="stylesheet" href="/docs/assets/swagger-ui.css">',
    '<div id="swagger-ui"></div><script src="/docs/assets/swagger-ui-bundle.js"></script><script src="/docs/assets/try-it.js"></script>',
  );

export function errorsHtml(): string {
  const rows = errorRows().map(
    ({ code, status, title, advice }) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${escape(title)}</td><td>${prose(advice)}</td></tr>`,
  );
  return plain(
    'Tocsin: errors',
    `<p>Every error is <code>application/problem+json</code>. Match on its <code>code</code>.</p><table><thead><tr><th>code</th><th>status</th><th>title</th><th>what it means, and what to do</th></tr></thead><tbody>${rows.join('')}</tbody></table>`,
  );
}

/** The AsyncAPI document for people: each channel with its messages, then their schemas. */
export function eventsHtml({ channels, components }: AsyncApi): string {
  const sections = Object.values(channels).map(({ address, title, description, messages }) => {
    const rows = Object.keys(messages).map(
      (name) =>
        `<tr><td><code>${escape(name)}</code></td><td>${linkTo(components.messages[name]!.payload)}</td><td>${prose(components.messages[name]!.summary)}</td></tr>`,
    );
    return `<h2>${escape(title)}</h2><p><code>${escape(address)}</code></p><p>${prose(description)}</p><table><thead><tr><th>message</th><th>data</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  });
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<h3 id="${escape(name)}">${escape(name)}</h3>${schema.description ? `<p>${prose(schema.description)}</p>` : ''}${fieldsOf(schema)}`,
  );
  return plain(
    'Tocsin: messages and streams',
    `<p>For machines: <a href="/docs/asyncapi.json">asyncapi.json</a>.</p>${sections.join('')}<h2>What they consist of</h2>${schemas.join('')}`,
  );
}

function fieldsOf({ properties = {}, required = [] }: Schema): string {
  const rows = Object.entries(properties).map(
    ([name, schema]) =>
      `<tr><td><code>${escape(name)}</code>${required.includes(name) ? '' : ' <small>optional</small>'}</td><td>${typeOf(schema)}</td><td>${prose(schema.description ?? '')}</td></tr>`,
  );
  return `<table><thead><tr><th>field</th><th>type</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
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
