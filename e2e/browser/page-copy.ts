import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BrowserContext } from 'playwright-core';
import { patched, type Patch } from '../faults/built-copy';

const ROOT = join(__dirname, '..', '..');

/**
 * Builds as `vite build` does, with some source files replaced. It runs in its own process, because Vite is an ES
 * module and Jest's sandbox does not load those.
 */
const PROGRAM = `
  import { build, loadConfigFromFile } from 'vite';
  const { root, outDir, sources } = JSON.parse(process.argv[1]);
  const { config } = await loadConfigFromFile({ command: 'build', mode: 'production' }, root + '/apps/dashboard/vite.config.mjs');
  await build({
    ...config, configFile: false, logLevel: 'silent',
    build: { ...config.build, outDir, emptyOutDir: true },
    // without the plugin that compresses: no test requests these files compressed
    plugins: [{ name: 'broken', enforce: 'pre', load: (id) => sources[id.slice(root.length + 1)] }],
  });
`;

/** Another build of the page in its own folder, which can be broken on purpose. `remove` deletes it. */
export class PageCopy {
  private constructor(readonly folder: string) {}

  /** Builds the page with patches, whose paths are relative to the checkout. Throws if a patch does not apply. */
  static async build(patches: readonly Patch[]): Promise<PageCopy> {
    const copy = new PageCopy(mkdtempSync(join(tmpdir(), 'tocsin-page-')));
    try {
      const about = { root: ROOT, outDir: copy.folder, sources: brokenSources(patches) };
      await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', PROGRAM, JSON.stringify(about)], {
        cwd: ROOT,
        timeout: 120_000,
      });
      return copy;
    } catch (error) {
      copy.remove();
      throw error;
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The patched text of each file, by path. Throws `PatchDoesNotApply`. */
export function brokenSources(patches: readonly Patch[]): Record<string, string> {
  const sources: Record<string, string> = {};
  for (const patch of patches)
    sources[patch.file] = patched(sources[patch.file] ?? readFileSync(join(ROOT, patch.file), 'utf8'), patch);
  return sources;
}

/**
 * With `PAGE_BUILD`, the folder of a `PageCopy`, the browser gets that page instead of the gateway's own, so that the
 * unchanged tests of the page run against a broken one.
 */
export async function withChosenBuild(context: BrowserContext): Promise<void> {
  const folder = process.env.PAGE_BUILD;
  if (!folder) return;
  const assets = readdirSync(join(folder, 'assets'));
  const main = (ending: string) => assets.find((name) => name.startsWith('index-') && name.endsWith(ending))!;
  await context.route(
    ({ pathname }) => pathname === '/',
    async (route) => {
      const response = await route.fetch();
      const { 'content-encoding': _, 'content-length': __, ...headers } = response.headers();
      await route.fulfill({
        status: response.status(),
        headers,
        body: (await response.text()).replace(/index-[\w-]+(\.js|\.css)/g, (_name, ending: string) => main(ending)),
      });
    },
  );
  await context.route(
    ({ pathname }) => assets.includes(pathname.replace('/assets/', '')),
    (route) => route.fulfill({ path: join(folder, new URL(route.request().url()).pathname) }),
  );
}
