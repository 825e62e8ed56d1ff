import { escapeHtml as escape } from '../http/escape-html';

/** The pages that the head links to, by address. */
const PAGES = {
  '/docs/guide': 'Guide',
  '/docs': 'API',
  '/docs/events': 'Messages and streams',
  '/docs/errors': 'Errors',
} as const;

export type DocsAddress = keyof typeof PAGES;

interface FramedPage {
  title: string;
  /** Which link of the head is this page, or the part that it belongs to. Null: none of them. */
  at: DocsAddress | null;
  /** HTML of everything below the head. */
  body: string;
  /**
   * HTML for `<head>`: more style sheets and scripts. They must be files, because the policy lets nothing inline run.
   */
  head?: string;
}

const MARK =
  '<svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="var(--text)"/><path d="M16 6.5a1.6 1.6 0 0 0-1.6 1.6v.5C11 9.3 9 12 9 15.3v3.9l-1.7 2.4c-.5.7 0 1.7.9 1.7h15.6c.9 0 1.4-1 .9-1.7L23 19.2v-3.9c0-3.3-2-6-5.4-6.7v-.5A1.6 1.6 0 0 0 16 6.5Z" fill="var(--surface)"/><path d="M13.3 25a2.8 2.8 0 0 0 5.4 0Z" fill="var(--urgent)"/></svg>';

/**
 * A page of the documents with the head that all of them share. `look.css` has the colours and the type of the page;
 * `theme.js` (`theme.ts`) sets the theme that the user has chosen there, and is loaded before anything is drawn.
 */
export function framed({ title, at, body, head = '' }: FramedPage): string {
  const links = Object.entries(PAGES).map(
    ([address, name]) => `<a href="${address}"${address === at ? ' aria-current="true"' : ''}>${name}</a>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${escape(title)} · Tocsin</title><link rel="icon" type="image/svg+xml" href="/docs/assets/favicon.svg">
<link rel="stylesheet" href="/docs/assets/look.css"><link rel="stylesheet" href="/docs/assets/docs.css"><script src="/docs/assets/theme.js"></script>${head}</head>
<body><header class="head"><a class="home" href="/">${MARK}<span>Tocsin</span></a><nav aria-label="Documents">${links.join('')}</nav></header>
${body}</body>
</html>
`;
}
