// Builds the page into dist/apps/dashboard, where the gateway finds it. `npx vite apps/dashboard` serves it with hot
// reload and uses a gateway on port 8000.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';
import { writeGuide } from './guide/render-guide.mjs';
import { installPage } from './src/install/install-page.mjs';

const from = (path) => fileURLToPath(new URL(path, import.meta.url));
const OUT = from('../../dist/apps/dashboard');

/** Compresses text files once, at build time, rather than at every request. */
const compressed = {
  name: 'compressed',
  apply: 'build',
  closeBundle() {
    for (const name of readdirSync(OUT, { recursive: true })) {
      if (!/\.(js|css|svg|html|webmanifest)$/.test(name)) continue;
      const path = join(OUT, name);
      const bytes = readFileSync(path);
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
      // quality 9: levels 10 and 11 take four times as long and save only 2 %
      writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
    }
  },
};

/** Writes the guide beside the page; `compressed` comes after it. */
const guide = { name: 'guide', apply: 'build', writeBundle: () => writeGuide(join(OUT, 'guide')) };

export default defineConfig({
  root: from('.'),
  base: '/',
  // scripts and styles find files beside themselves: the gateway may serve all of them below a path, which it writes
  // into the page alone
  experimental: { renderBuiltUrl: (_, { hostType }) => (hostType === 'html' ? undefined : { relative: true }) },
  resolve: {
    alias: {
      '@tocsin/contracts/wire': from('../../libs/contracts/src/wire/index.ts'),
      '@tocsin/react-client/inbox.css': from('../../libs/react-client/src/inbox/inbox.css'),
      '@tocsin/react-client': from('../../libs/react-client/src/index.ts'),
    },
  },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // the gateway's Content-Security-Policy forbids what these two options would add
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // drops the warning about 'use client', which matters only to server rendering
    rolldownOptions: {
      onLog: (level, log, say) => log.code === 'MODULE_LEVEL_DIRECTIVE' || say(level, log),
      // a service worker is a script of its own, and its address never changes
      input: { index: from('index.html'), 'push-worker': from('../../libs/react-client/src/push/push-worker.ts') },
      output: { entryFileNames: ({ name }) => (name === 'push-worker' ? '[name].js' : 'assets/[name]-[hash].js') },
    },
  },
  css: { modules: { generateScopedName: '[local]_[hash:base64:5]' } },
  server: { port: 5173, proxy: { '/api': 'http://localhost:8000', '/docs': 'http://localhost:8000' } },
  plugins: [installPage(), guide, compressed],
});
