import { eventually } from '@tocsin/contracts/testing';
import { describeWith } from '../kit/programs';
import { Stack } from '../kit/stack';
import { picture, rowOf as row, Visits } from './dashboard-visits';

describeWith('chromium', 'the search of the page', () => {
  let visits: Visits;
  let stack: Stack;
  beforeAll(async () => {
    const opening = Visits.open();
    stack = await Stack.open({ tenants: { 'ana@example.test': ['bakery'] } });
    visits = await opening;
    // nine quiet services whose names come first, and the one that matters
    for (let n = 1; n < 10; n += 1) await publish(`a-service-${n}`, `Quiet ${n}`);
    for (let n = 1; n < 4; n += 1) await publish('payments', `Payment ${n} failed`, 'urgent');
    await publish('inventory', 'Flour delivered', 'high', { dedup_key: 'flour' });
    await publish('inventory', 'Flour delivered', 'high', { dedup_key: 'flour', status: 'resolved' });
    await publish('till', 'Till 2 is open', 'low', { labels: { 'host:port': 'till:80', zone: '' } });
    await publish('till', '2 men open the till');
    await stack.stored(16);
  }, 60_000);
  afterEach(() => visits.end());
  afterAll(async () => {
    await visits?.close();
    await stack?.close();
  });

  let published = 0;
  const publish = (service: string, title: string, severity = 'low', more: Record<string, unknown> = {}) =>
    stack.amqp.publish(`alert.${severity}.${service}`, {
      tenant_id: 'bakery',
      id: String((published += 1)),
      service,
      title,
      ...more,
    });
  const signedIn = (options: Parameters<Visits['signedIn']>[2] = {}) =>
    visits.signedIn(stack.gateway.url, 'ana@example.test', options);

  it('names a value that it does not know, leaves it out of the search, and corrects it with one click', async () => {
    const page = await signedIn();
    const field = page.getByRole('combobox', { name: 'Search alerts' });
    await field.fill('severity:urgnt');
    const mistakes = page.getByTestId('search-mistakes');
    await mistakes.getByText('severity has no value “urgnt”.').waitFor();
    await row(page, 'Quiet 1').waitFor();
    await picture(page, 'search-mistake');
    await mistakes.getByRole('button', { name: 'Did you mean severity:urgent?' }).click();
    await mistakes.waitFor({ state: 'detached' });
    await row(page, 'Quiet 1').waitFor({ state: 'detached' });
    await row(page, 'Payment 1 failed').waitFor();
    expect(await field.inputValue()).toBe('severity:urgent');
    await field.fill('severity:urgent or service:payments');
    await mistakes.getByText('All terms must match.').waitFor();
    await field.fill('payment -"1 failed"');
    await mistakes.getByText('Words cannot be excluded').waitFor();
    await row(page, 'Payment 1 failed').waitFor();
    await field.fill('severity:urgent -severity:urgent');
    await mistakes.getByText('With this, no value of severity would be left.').waitFor();
    await row(page, 'Payment 1 failed').waitFor();
    expect(await row(page, 'Quiet 1').count()).toBe(0);
  });

  it('asks the server for nothing while a key is half typed, and with Enter for what stands there', async () => {
    const page = await signedIn({ clock: true });
    await row(page, 'Quiet 1').waitFor();
    await page.getByRole('combobox', { name: 'Search alerts' }).pressSequentially('severity:ur', { delay: 20 });
    await page.getByRole('option', { name: 'severity:urgent' }).waitFor();
    // longer than the pause after which a whole term is searched for
    await page.clock.fastForward(1_000);
    expect(new URL(page.url()).searchParams.get('q')).toBeNull();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await eventually(() => expect(new URL(page.url()).searchParams.get('q')?.trim()).toBe('severity:urgent'));
  });

  it('asks for nothing either when the suggestion that is taken is only a key', async () => {
    const page = await signedIn({ clock: true });
    const field = page.getByRole('combobox', { name: 'Search alerts' });
    await row(page, 'Quiet 1').waitFor();
    for (const [typed, key] of [
      ['lab', 'label.'],
      ['serv', 'service:'],
    ] as const) {
      await field.fill(typed);
      await page.getByRole('option', { name: key }).click();
      expect(await field.inputValue()).toBe(key);
      await page.clock.fastForward(1_000);
      // a slow machine may have searched for the word before the suggestion was taken
      expect(new URL(page.url()).searchParams.get('q') ?? '').not.toContain(key);
    }
    await page.keyboard.type('till');
    await row(page, '2 men open the till').waitFor();
    await row(page, 'Quiet 1').waitFor({ state: 'detached' });
  });

  it('looks for words in quotes together, and for a word that is the name of a view', async () => {
    const page = await signedIn();
    const field = page.getByRole('combobox', { name: 'Search alerts' });
    await field.fill('"till 2"');
    await row(page, '2 men open the till').waitFor({ state: 'detached' });
    await row(page, 'Till 2 is open').waitFor();
    await field.fill('open');
    await row(page, '2 men open the till').waitFor();
    await row(page, 'Quiet 1').waitFor({ state: 'detached' });
    expect(new URL(page.url()).searchParams.get('q')).toBe('open');
  });

  it('finds the alerts with a label that was clicked, whatever its name and its value are', async () => {
    const page = await signedIn();
    for (const [label, text] of [
      ['host:port: till:80', 'label."host:port":"till:80"'],
      ['zone:', 'label.zone:""'],
    ] as const) {
      await page.getByRole('combobox', { name: 'Search alerts' }).fill('');
      await row(page, 'Quiet 1').waitFor();
      await row(page, 'Till 2 is open').click();
      await page.getByTestId('drawer').getByRole('button', { name: label }).click();
      await row(page, 'Quiet 1').waitFor({ state: 'detached' });
      await row(page, 'Till 2 is open').waitFor();
      expect(new URL(page.url()).searchParams.get('q')).toBe(text);
    }
  });

  it('says where the matches are when the view has none', async () => {
    const page = await signedIn();
    await page.getByRole('combobox', { name: 'Search alerts' }).fill('flour delivered');
    const empty = page.getByTestId('empty');
    await empty.getByText('Elsewhere: 1 resolved.').waitFor();
    await picture(page, 'search-elsewhere');
    await empty.getByRole('button', { name: 'Show them' }).click();
    await row(page, 'Flour delivered').waitFor();
  });

  it.each([1_440, 400])(
    'lists the service with most alerts first, and finds others by name, at %d px',
    async (width) => {
      const page = await signedIn({ viewport: { width, height: 900 } });
      if (width < 760) await page.getByRole('button', { name: 'Filters' }).last().click();
      const services = page.getByRole('region', { name: 'Service', exact: true });
      await eventually(async () => expect(await services.locator('li').first().textContent()).toBe('payments3'));
      await services.getByRole('searchbox').fill('service-9');
      await eventually(async () => expect(await services.locator('li').allTextContents()).toEqual(['a-service-91']));
      await picture(page, `search-services-${width}`);
    },
  );

  it('explains what it understands', async () => {
    const page = await signedIn();
    await page.getByRole('button', { name: 'What the search understands' }).click();
    await page.getByRole('dialog').getByText('label.cluster:west').waitFor();
    await picture(page, 'search-help');
  });
});
