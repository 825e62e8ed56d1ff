import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { barriersIn, MAY_ACT, picture, Visits } from './dashboard-visits';

describeWith('chromium', 'the preview of the inbox', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({ tenants: { 'ana@example.test': ['bakery'] } });
    visits = await opening;
    await stack.amqp.publish('alert.urgent.inventory', { tenant_id: 'bakery', title: 'Flour is running low' });
    await stack.stored(1);
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  async function opened(options: Parameters<Visits['blank']>[0] = {}) {
    const page = await visits.blank({ reducedMotion: 'reduce', ...options });
    const refused: string[] = [];
    page.on('console', (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()));
    await page.goto(`${stack.gateway.url}/embed-preview#token=${tokenFor('ana@example.test', MAY_ACT)}`);
    await page.getByRole('heading', { name: /Embed the inbox|Integrar la bandeja/ }).waitFor();
    return { page, refused };
  }

  it('is left out by search engines, has the policy of the page, and asks for a token without a session', async () => {
    const answer = await fetch(`${stack.gateway.url}/embed-preview`, { headers: { Accept: 'text/html' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-robots-tag')).toBe('noindex, nofollow');
    const front = await fetch(`${stack.gateway.url}/`, { headers: { Accept: 'text/html' } });
    expect(front.headers.get('x-robots-tag')).toBeNull();
    expect(answer.headers.get('content-security-policy')).toBe(front.headers.get('content-security-policy'));
    const page = await visits.blank();
    await page.goto(`${stack.gateway.url}/embed-preview`);
    await page.getByRole('textbox', { name: 'Token' }).fill(tokenFor('ana@example.test', MAY_ACT));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Embed the inbox' }).waitFor();
  });

  it("shows the user's alerts in the look that was chosen, and the code for it", async () => {
    const { page, refused } = await opened();
    const code = page.getByRole('region', { name: 'React' }).locator('pre');
    expect(await code.textContent()).toContain('<AlertInbox colorScheme="auto" />');
    await page.getByRole('combobox', { name: 'Colours' }).selectOption('dark');
    await page.getByRole('combobox', { name: 'Language' }).selectOption('es');
    await page.getByRole('checkbox', { name: 'An accent of your own' }).check();
    await page.getByLabel('Accent', { exact: true }).fill('#ff8800');
    await page.getByRole('slider', { name: /Width/ }).fill('320');
    expect(await code.textContent()).toContain('<AlertInbox colorScheme="dark" locale="es" />');
    expect(await code.textContent()).toContain(`url="${stack.gateway.url}/api/events"`);
    expect(await page.getByRole('region', { name: 'CSS' }).locator('pre').textContent()).toBe(
      '.tocsin-inbox { --tocsin-accent: #ff8800; --tocsin-width: 320px; }',
    );
    await page.getByRole('button', { name: 'Alertas: 1 nueva, 1 urgente' }).click();
    const panel = page.getByRole('dialog', { name: 'Alertas' });
    await panel.getByRole('button', { name: 'Reconocer: Flour is running low' }).waitFor();
    await picture(page, 'embed-preview-dark-es');
    const look = `(() => { const { backgroundColor, width } = getComputedStyle(document.querySelector('.tocsin-panel'));
      const { borderBottomColor } = getComputedStyle(document.querySelector('.tocsin-tabs [aria-selected=true]'));
      return [backgroundColor, width, borderBottomColor]; })()`;
    expect(await page.evaluate(look)).toEqual(['rgb(20, 24, 31)', '320px', 'rgb(255, 136, 0)']);
    expect(refused).toEqual([]);
  });

  it('copies the code, or says that the browser does not allow it', async () => {
    const { page } = await opened({ permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByRole('button', { name: 'Copy: React' }).click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain('<AlertStreamProvider token={getToken}');
    await page.evaluate('navigator.clipboard.writeText = () => Promise.reject(new Error("denied"))');
    await page.getByRole('button', { name: 'Copy: React' }).click();
    await page.getByText('This browser did not allow it. Select the text and copy it.').waitFor();
  });

  it.each([
    ['light', 'en-GB', 1_440],
    ['dark', 'es-ES', 400],
  ] as const)(
    'has nothing serious for axe to find, and nothing that is cut off: %s, %s, %d px',
    async (colorScheme, locale, width) => {
      const { page } = await opened({ colorScheme, locale, viewport: { width, height: 900 } });
      await page.locator('.tocsin-bell').waitFor();
      await picture(page, `embed-preview-${colorScheme}-${width}`);
      expect(await barriersIn(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    },
  );
});
