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
  Publish: ['publishing', 'topics', 'dead-letters'],
  Tell: ['notify', 'notifications', 'mail', 'phones', 'webhooks-out'],
  Operate: [
    'operate',
    'tracing',
    'proxies',
    'troubleshooting',
    'upgrade',
    'performance',
    'capacity',
    'engines',
    'pgbouncer',
    'errors',
    'security',
  ],
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
/** What may be wider than a phone scrolls by itself, also with the keys. */
const inScroller = (html) =>
  html
    .replace(/<table>/g, '<div class="table" tabindex="0"><table>')
    .replace(/<\/table>/g, '</table></div>')
    .replace(/<pre>/g, '<pre tabindex="0">');

const titleOf = (text) => /^# (.+)$/m.exec(text)?.[1].replaceAll('`', '') ?? 'Tocsin';

/** The contents beside each page, with this one marked. */
const contents = (current, titles) =>
  Object.entries(PARTS)
    .map(([part, names]) => {
      const links = names.map(
        (name) =>
          `<li><a href="${addressOf(name)}"${name === current ? ' aria-current="page"' : ''}>${name === 'index' ? 'What it is' : escape(titles[name])}</a></li>`,
      );
      return `<h2>${part}</h2><ul>${links.join('')}</ul>`;
    })
    .join('');

/** The title and the body of each page by its name. The gateway adds the head that all its documents share. */
export function renderGuide() {
  const texts = Object.fromEntries(NAMES.map((name) => [name, readFileSync(join(root, fileOf(name)), 'utf8')]));
  const titles = Object.fromEntries(NAMES.map((name) => [name, titleOf(texts[name])]));
  return Object.fromEntries(
    NAMES.map((name) => [
      name,
      {
        title: titles[name],
        body: `<div class="guide"><nav id="contents" aria-label="Guide">${contents(name, titles)}</nav>
<main><a class="contents" href="#contents">Contents</a>
${inScroller(markdown.parse(texts[name]))}</main></div>
`,
      },
    ]),
  );
}

/** The fonts of the page, each as one file with the Latin letters. */
const FONTS = {
  'inter.woff2': ['Inter Variable', '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2'],
  'geist-mono.woff2': [
    'Geist Mono Variable',
    '@fontsource-variable/geist-mono/files/geist-mono-latin-wght-normal.woff2',
  ],
};

/** Writes the guide into a folder, with what the gateway's documents take from the look of the page. */
export function writeGuide(folder) {
  mkdirSync(folder, { recursive: true });
  const write = (name, bytes) => writeFileSync(join(folder, name), bytes);
  write('pages.json', JSON.stringify(renderGuide()));
  const faces = Object.entries(FONTS).map(([name, [family, path]]) => {
    write(name, readFileSync(join(root, 'node_modules', path)));
    return `@font-face { font-family: '${family}'; font-weight: 100 900; font-display: swap; src: url('${name}') format('woff2'); }\n`;
  });
  write('look.css', readFileSync(here('../src/tokens.css'), 'utf8') + faces.join(''));
  write('favicon.svg', readFileSync(here('../src/favicon.svg')));
}
