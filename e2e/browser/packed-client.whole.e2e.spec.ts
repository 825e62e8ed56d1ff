import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { eventually } from '@tocsin/contracts/testing';
import { EmptyProject } from '../../examples/testing/empty-project';
import { openBrowser } from '../kit/browser';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { PageServer } from './page-server';

const INBOX = join(__dirname, '..', '..', 'examples', 'react', 'inbox.tsx');
const TEN_LINES = join(__dirname, '..', '..', 'examples', 'react', 'alerts.tsx');
const ARTIFACTS = join(__dirname, '..', '..', 'artifacts', 'packed-client');
const PATIENCE_MS = 20_000;

// As a user of the package has it: the tarball in an empty project, built by Vite without configuration, on one origin
// with a gateway.
describeWith('chromium', 'the packed client', () => {
  let browser: Browser;
  let pages: PageServer;
  let stack: Stack;
  let project: EmptyProject;
  let context: BrowserContext;
  beforeAll(async () => {
    mkdirSync(ARTIFACTS, { recursive: true });
    pages = await PageServer.start();
    const opened = Promise.all([openBrowser(), Stack.open({ tenants: { ana: ['bakery'] } })]);
    project = await EmptyProject.make();
    copyFileSync(TEN_LINES, join(project.folder, 'alerts.tsx'));
    copyFileSync(INBOX, join(project.folder, 'inbox.tsx'));
    const strict = readFileSync(TEN_LINES, 'utf8')
      .replace('.render(', '.render(<StrictMode>')
      .replace(/\);\s*$/, '</StrictMode>);\n');
    writeFileSync(join(project.folder, 'strict.tsx'), `import { StrictMode } from 'react';\n${strict}`);
    await serve('/lines', await project.build('alerts.tsx'));
    await serve('/inbox', await project.build('inbox.tsx'));
    // only the development build of React mounts everything twice
    await serve('/strict', await project.build('strict.tsx', { NODE_ENV: 'development' }));
    [browser, stack] = await opened;
    pages.gateway = stack.gateway.url;
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.close();
    await pages?.close();
    project?.remove();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    await context.addInitScript(`localStorage.setItem('token', ${JSON.stringify(tokenFor('ana'))})`);
  });
  afterEach(async () => {
    await context.close();
    await eventually(() => expect(pages.openStreams).toBe(0), PATIENCE_MS);
  });

  async function serve(path: string, folder: string): Promise<void> {
    pages.files.set(`${path}.html`, () => readFileSync(join(folder, 'index.html'), 'utf8'));
    for (const file of readdirSync(join(folder, 'assets')))
      pages.files.set(`/assets/${file}`, () => readFileSync(join(folder, 'assets', file), 'utf8'));
  }
  async function open(path: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${pages.trustedOrigin}${path}.html`);
    await eventually(() => expect(pages.openStreams).toBe(1), PATIENCE_MS);
    return page;
  }
  const publish = (title: string) => stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', title });

  it('shows with ten lines of code what a service publishes', async () => {
    const page = await open('/lines');
    await publish('Flour is low');
    await page.getByText('urgent Flour is low').waitFor({ timeout: PATIENCE_MS });
    await page.screenshot({ path: join(ARTIFACTS, 'ten-lines.png') });
    expect(await page.locator('li').allTextContents()).toEqual(['urgent Flour is low']);
  });

  it('shows the inbox with its styles, and an alert with its history in it', async () => {
    const page = await open('/inbox');
    await publish('Salt is low');
    await page.getByRole('button', { name: /^Alerts: \d+ new/ }).click({ timeout: PATIENCE_MS });
    await page.getByRole('dialog').getByRole('button', { name: 'Salt is low', exact: true }).click();
    await page.getByRole('heading', { name: 'Salt is low' }).waitFor();
    await page.locator('.tocsin-history').getByText('Raised').waitFor({ timeout: PATIENCE_MS });
    // without the style sheet the panel would not be placed
    expect(await page.evaluate(`getComputedStyle(document.querySelector('.tocsin-panel')).position`)).toBe('absolute');
    await page.screenshot({ path: join(ARTIFACTS, 'inbox.png') });
  });

  it('shows an alert once, over one connection, when Strict Mode mounts everything twice', async () => {
    pages.asked.length = 0;
    const page = await open('/strict');
    await publish('Oven 2 is cold');
    await page.getByText('urgent Oven 2 is cold').waitFor({ timeout: PATIENCE_MS });
    expect(await page.locator('li').filter({ hasText: 'Oven 2 is cold' }).count()).toBe(1);
    expect(pages.openStreams).toBe(1);
    expect(pages.asked.filter(({ url }) => url.startsWith('/api/events'))).toHaveLength(1);
  });
});
