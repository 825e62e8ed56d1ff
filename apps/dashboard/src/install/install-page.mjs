// Makes the page installable: adds the web app manifest, its icons, and the links to them in the page's head. No alert
// is kept for offline use: the only service worker is that of push messages, and it answers no request.
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const FOLDER = import.meta.dirname;
const ICONS = [
  { file: 'icon-192.png', sizes: '192x192', purpose: 'any' },
  { file: 'icon-512.png', sizes: '512x512', purpose: 'any' },
  { file: 'icon-maskable-512.png', sizes: '512x512', purpose: 'maskable' },
];
/** For iOS, which takes it from the page and not from the manifest. */
const APPLE_ICON = 'icon-apple-180.png';

/** The manifest. Its addresses are relative to its own, `assets/`: the gateway may serve all of it below a path. */
const manifestOf = (nameOf) => ({
  name: 'Tocsin',
  short_name: 'Tocsin',
  description: 'Live alerts of your tenants: see them, act on them, miss nothing.',
  start_url: '../',
  scope: '../',
  display: 'standalone',
  // the colours of the light scheme; the page's `theme-color` elements have those of both
  theme_color: '#FFFFFF',
  background_color: '#F6F7F9',
  icons: ICONS.map(({ file, ...icon }) => ({ src: nameOf(file), type: 'image/png', ...icon })),
});

/** The plugin of Vite. The files get a hash in their names, as all files under `assets/`. */
export function installPage() {
  const references = new Map();
  let links = [];
  return {
    name: 'install-page',
    apply: 'build',
    buildStart() {
      for (const file of [...ICONS.map((icon) => icon.file), APPLE_ICON])
        references.set(file, this.emitFile({ type: 'asset', name: file, source: readFileSync(join(FOLDER, file)) }));
    },
    generateBundle() {
      const addressOf = (file) => `/${this.getFileName(references.get(file))}`;
      const nameOf = (file) => basename(addressOf(file));
      const manifest = this.emitFile({
        type: 'asset',
        name: 'tocsin.webmanifest',
        source: JSON.stringify(manifestOf(nameOf)),
      });
      links = [
        // with credentials, for a proxy before the page that asks for its cookie
        { rel: 'manifest', href: `/${this.getFileName(manifest)}`, crossorigin: 'use-credentials' },
        { rel: 'apple-touch-icon', href: addressOf(APPLE_ICON) },
      ];
    },
    transformIndexHtml: {
      order: 'post',
      handler: () => links.map((attrs) => ({ tag: 'link', attrs, injectTo: 'head' })),
    },
  };
}
