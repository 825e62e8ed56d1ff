import axe from 'axe-core';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { openBrowser } from '../kit/browser';
import { tokenFor } from '../kit/tokens';
import { withChosenBuild } from './page-copy';

export const MAY_ACT = { scope: 'alerts:read alerts:write' };

/** The timeout of Playwright's waits. */
const LATE_MS = 12_000;
/** How long a page may take to open: a busy machine compiles its scripts and starts its stream late. */
const OPENED_WITHIN_MS = 40_000;

const PICTURES = join(__dirname, '..', '..', 'artifacts', 'page');

/** Saves a screenshot of the page as `artifacts/page/<name>.png`, so that a person can check what the test saw. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

/** A browser and the visits to the page in it. Each visit has its own profile. */
export class Visits {
  private readonly contexts: BrowserContext[] = [];
  private readonly failures = new WeakMap<Page, Error[]>();

  private constructor(private readonly browser: Browser) {}

  static async open(program?: Parameters<typeof openBrowser>[0]): Promise<Visits> {
    return new Visits(await openBrowser(program));
  }

  /** A page in a new profile, with nothing loaded. */
  async blank(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({
      viewport: { width: 1_440, height: 900 },
      locale: 'en-GB',
      ...options,
    });
    this.contexts.push(context);
    await withChosenBuild(context);
    const page = await context.newPage();
    page.setDefaultTimeout(LATE_MS);
    page.on('pageerror', (error) => this.failures.set(page, [...this.failuresOf(page), error]));
    return page;
  }

  /**
   * Opens the link with the user's token and waits until the stream is live. `before` runs in the page before its own
   * scripts; with `clock` the test controls the page's time; `scope` is that of the token.
   */
  async signedIn(
    gateway: string,
    user: string,
    {
      query = '',
      before,
      clock = false,
      scope = MAY_ACT.scope,
      ...options
    }: BrowserContextOptions & { query?: string; before?: string; clock?: boolean; scope?: string } = {},
  ): Promise<Page> {
    const page = await this.blank(options);
    if (clock) await page.clock.install();
    if (before) await page.addInitScript(before);
    await page.goto(`${gateway}/${query}#token=${tokenFor(user, { scope })}`);
    await page.getByTestId('pill').and(page.locator('[data-state-name=live]')).waitFor({ timeout: OPENED_WITHIN_MS });
    return page;
  }

  /** The uncaught errors of a page's scripts. */
  failuresOf(page: Page): Error[] {
    return this.failures.get(page) ?? [];
  }

  /** Ends every visit. */
  async end(): Promise<void> {
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

export const rowOf = (page: Page, title: string) => page.getByRole('row').filter({ hasText: title });

/**
 * Resolves when nothing moves or fades; what goes on for ever, such as a spinner, does not count. A change of the
 * scheme or the width is drawn in the next frame, and only then its transitions begin.
 */
export const hasSettled = (page: Page): Promise<void> =>
  page.evaluate(`(async () => {
    const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    for (;;) {
      await drawn();
      const running = document.getAnimations().filter((one) =>
        one.playState === 'running' && one.effect?.getComputedTiming().endTime !== Infinity);
      if (running.length === 0) return;
      await Promise.allSettled(running.map((one) => one.finished));
    }
  })()`);

/** The height in whole pixels: an element that moves or grows at the moment is measured in fractions of them. */
export const heightOf = async (what: Locator): Promise<number> => Math.round((await what.boundingBox())!.height);

/**
 * The serious and critical accessibility violations that axe finds in a page, or in a part of it. The page itself picks
 * them: a whole report has every element that passed, and reading it takes ten seconds of CPU.
 */
export async function barriersIn(page: Page, part = 'html'): Promise<{ id: string; nodes: string[] }[]> {
  // colours are measured, and half of a fade is another colour
  await hasSettled(page);
  await page.evaluate(`${axe.source}; undefined`);
  return page.evaluate<{ id: string; nodes: string[] }[]>(`(async () => {
    const { violations } = await axe.run(${JSON.stringify(part)}, { resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html.slice(0, 200)) }));
  })()`);
}
