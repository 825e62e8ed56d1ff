// Makes the pages of /docs/guide from the Markdown of the repository, when the page is built: the browser gets finished
// HTML, and neither the page's scripts nor the gateway carry a parser.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Marked } from 'marked';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Every document of the guide by the part of it, in the order in which a newcomer reads. `index` is README.md. */
export const PARTS = {
  Start: ['index', 'install', 'tenants-and-tokens', 'configure'],
  Use: ['page', 'search', 'acts', 'stream-clients', 'embed'],
  Publish: ['publishing', 'dead-letters'],
  Tell: ['notifications', 'mail', 'phones', 'webhooks-out'],
  Operate: ['operate', 'troubleshooting', 'upgrade', 'engines', 'pgbouncer', 'errors', 'security'],
};
const FILES = { index: 'README.md', security: 'SECURITY.md' };
export const fileOf = (name) => FILES[name] ?? `docs/${name}.md`;

const escape = (text) =>
  text.replace(/[&<>"]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one]);
const slugOf = (text) =>
  text
    .toLowerCase()
    .replace(/<[^>]*>|[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

const NAMES = Object.values(PARTS).flat();
const addressOf = (name) => (name === 'index' ? '/docs/guide' : `/docs/guide/${name}`);

/** The address in the guide of what a document links to; undefined for a file that only the repository has. */
export function linkOf(href) {
  if (/^(https?:|mailto:|#)/.test(href)) return href;
  const [path, hash] = href.split('#');
  const file = path.replace(/^(\.\.?\/)*/, '');
  const name = NAMES.find((one) => [fileOf(one), fileOf(one).replace(/^docs\//, '')].includes(file));
  return name && `${addressOf(name)}${hash ? `#${hash}` : ''}`;
}

const markdown = new Marked({
  renderer: {
    heading({ tokens, depth, text }) {
      return `<h${depth} id="${slugOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
    },
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      const to = linkOf(href);
      return to ? `<a href="${escape(to)}">${text}</a>` : text;
    },
    // pictures are files of the repository, and HTML in a document is there for them
    image: ({ text }) => escape(text),
    html: () => '',
  },
});
const inScroller = (html) =>
  html.replace(/<table>/g, '<div class="table"><table>').replace(/<\/table>/g, '</table></div>');

const titleOf = (text) => /^# (.+)$/m.exec(text)?.[1].replaceAll('`', '') ?? 'Tocsin';

/** The HTML of each page by its name. */
export function renderGuide() {
  const texts = Object.fromEntries(NAMES.map((name) => [name, readFileSync(join(root, fileOf(name)), 'utf8')]));
  const style = readFileSync(here('../src/tokens.css'), 'utf8') + readFileSync(here('guide.css'), 'utf8');
  const navigation = (current) =>
    Object.entries(PARTS)
      .map(([part, names]) => {
        const links = names.map(
          (name) =>
            `<li><a href="${addressOf(name)}"${name === current ? ' aria-current="page"' : ''}>${name === 'index' ? 'What it is' : escape(titleOf(texts[name]))}</a></li>`,
        );
        return `<h2>${part}</h2><ul>${links.join('')}</ul>`;
      })
      .join('');
  return Object.fromEntries(
    NAMES.map((name) => [
      name,
      `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(titleOf(texts[name]))} · Tocsin</title><style>${style}</style></head>
<body><nav id="contents" aria-label="Guide"><a href="/">Alerts</a><a href="/docs">API</a>${navigation(name)}</nav>
<main><a class="contents" href="#contents">Contents</a>
${inScroller(markdown.parse(texts[name]))}</main></body>
</html>
`,
    ]),
  );
}

/** Writes the pages into a folder. */
export function writeGuide(folder) {
  mkdirSync(folder, { recursive: true });
  for (const [name, html] of Object.entries(renderGuide())) writeFileSync(join(folder, `${name}.html`), html);
}
