import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BrowserContext } from 'playwright-core';
import { patched, type Patch } from '../faults/built-copy';

const ROOT = join(__dirname, '..', '..');

/** Builds as `vite build` does, with some files other than they stand there. Vite is an ES module, which Jest's sandbox does not load. */
const PROGRAM = `
  import { build, loadConfigFromFile } from 'vite';
  const { root, outDir, sources } = JSON.parse(process.argv[1]);
  const { config } = await loadConfigFromFile({ command: 'build', mode: 'production' }, root + '/apps/dashboard/vite.config.mjs');
  await build({
    ...config, configFile: false, logLevel: 'silent',
    build: { ...config.build, outDir, emptyOutDir: true },
    // nobody asks for these files compressed
    plugins: [{ name: 'broken', enforce: 'pre', load: (id) => sources[id.slice(root.length + 1)] }],
  });
`;

/** The built page once more in a folder of its own, where it can be broken on purpose. `remove` takes it away. */
export class PageCopy {
  private constructor(readonly folder: string) {}

  /** Patches name files below the checkout, and apply or throw. */
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

/** What is in each file that is patched. Throws `PatchDoesNotApply`. */
export function brokenSources(patches: readonly Patch[]): Record<string, string> {
  const sources: Record<string, string> = {};
  for (const patch of patches)
    sources[patch.file] = patched(sources[patch.file] ?? readFileSync(join(ROOT, patch.file), 'utf8'), patch);
  return sources;
}

/**
 * With `PAGE_BUILD`, the folder of a `PageCopy`, a browser gets that page from whatever gateway it asks: the tests of the page are
 * run against a broken one as they stand.
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
