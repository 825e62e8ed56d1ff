import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { pathOf } from './programs';

/** A test machine has no graphics card, often a small `/dev/shm`, and may run as root. */
const ARGS = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];

/**
 * Opens a browser without a window: Chromium's headless shell, which takes about a third of the CPU of a whole Chromium
 * for each page, or else the whole Chromium. `program` asks for the whole one: the shell shows no notification.
 */
export const openBrowser = (
  program: 'chromium' | 'chromium-headless-shell' = 'chromium-headless-shell',
): Promise<Browser> => chromium.launch({ executablePath: pathOf(program), headless: true, args: ARGS });

/** A whole Chromium with a profile in `folder`: a page can be installed there. */
export const openBrowserWithProfile = (folder: string): Promise<BrowserContext> =>
  chromium.launchPersistentContext(folder, { executablePath: pathOf('chromium'), headless: true, args: ARGS });
