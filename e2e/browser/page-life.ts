import type { Page } from 'playwright-core';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '@tocsin/contracts/testing';
import type { Alert, AlertPage, Entry } from '@tocsin/contracts/wire';
import { ask } from '../kit/http';
import { SeededRandom } from '../kit/seeded-random';
import type { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { MAY_ACT } from './dashboard-visits';

const SERVICES = ['oven', 'till'] as const;
const SEVERITIES = ['urgent', 'high', 'medium', 'low'] as const;
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
/** The two tenants of a life. */
export const tenantsOf = (life: string): [string, string] => [life, `${life}-b`];
/**
 * The places between which the user moves, each with the condition in SQL that its list has. `scope`: which of the two
 * tenants the page is about; without it, both.
 */
const PLACES: readonly { query: string; sql: string; scope?: 0 | 1 }[] = [
  { query: '', sql: `status in ('firing', 'acknowledged')` },
  { query: '?q=service%3Aoven', sql: `status in ('firing', 'acknowledged') and service = 'oven'` },
  { query: '?view=mine', sql: `status in ('firing', 'acknowledged', 'snoozed') and assignee like 'ana-%'` },
  { query: '?', sql: `status in ('firing', 'acknowledged')`, scope: 0 },
  { query: '?q=service%3Aoven', sql: `status in ('firing', 'acknowledged') and service = 'oven'`, scope: 1 },
];
/** The counts follow within two seconds, and a row that left goes within five. */
const AT_REST_MS = 15_000;
/** A row shows a change within this time: the promise for a stored entry. */
const LATE_MS = 3_000;
/** A menu opens within this time, or not at all. */
const MENU_MS = 2_000;
/** The clocks of the database and the page are those of one machine, but an entry's time is rounded. */
const ROUNDED_MS = 50;

/**
 * Records, in each frame, what every row says and from when until when it said so. While
 * an act of the user waits for its answer, a row shows what it will be if the act is not refused: those frames are left
 * out.
 */
export const RECORDING = `
  window.said = {};
  window.acting = 0;
  const send = window.fetch;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  window.fetch = async (address, options) => {
    if (options?.method !== 'PATCH') return send(address, options);
    window.acting += 1;
    // the answer is read, and drawn, after this promise
    const done = () => frame().then(frame).then(frame).then(() => (window.acting -= 1));
    try {
      return await send(address, options);
    } finally {
      void done();
    }
  };
  const record = () => {
    if (window.acting === 0) for (const row of document.querySelectorAll('[data-alert]')) {
      const words = row.querySelector('[data-testid=why-left]')?.textContent ?? '';
      const state = [row.dataset.status ?? '', row.dataset.severity, words].join('|');
      const all = (window.said[row.dataset.alert] ??= []);
      const now = Date.now();
      if (all.at(-1)?.state === state) all.at(-1).until = now;
      else all.push({ state, from: now, until: now });
    }
    requestAnimationFrame(record);
  };
  requestAnimationFrame(record);`;

/** What a row said, and between which times of `Date.now()`. */
interface Said {
  state: string;
  from: number;
  until: number;
}

/** A difference between the page and the server, in words. */
export type Wrong = string;

/** A random life of two tenants before one open page: messages, acts of the user, and acts of a colleague. */
export class PageLife {
  readonly steps: string[] = [];
  /** How many acts of the user the histories of the alerts have. */
  actsOfUser = 0;
  private readonly random: SeededRandom;
  private place = PLACES[0]!;
  private messages = 0;

  constructor(
    private readonly stack: Stack,
    private readonly page: Page,
    private readonly name: string,
    seed: number,
  ) {
    this.random = new SeededRandom(seed);
  }

  /** Takes this many steps and returns what was wrong meanwhile or is wrong at rest. */
  async run(count: number): Promise<Wrong[]> {
    for (let n = 0; n < 4; n += 1) await this.publish();
    for (let n = 0; n < count; n += 1) await this.step();
    return [...(await this.atRest()), ...(await this.inFrames())];
  }

  private async step(): Promise<void> {
    const roll = this.random.between(1, 100);
    if (roll <= 35) return this.publish();
    if (roll <= 75) return this.press();
    if (roll <= 90) return this.actAsColleague();
    return this.move();
  }

  private async publish(): Promise<void> {
    const [service, severity, key] = [this.random.of(SERVICES), this.random.of(SEVERITIES), this.random.of(KEYS)];
    const status = this.random.between(1, 4) === 1 ? 'resolved' : 'firing';
    const tenant = this.random.of(tenantsOf(this.name));
    this.messages += 1;
    this.steps.push(`${service} of ${tenant} says that ${key} is ${status}, ${severity}`);
    await this.stack.amqp.publish(`alert.${severity}.${service}`, {
      tenant_id: tenant,
      id: `m${this.messages}`,
      dedup_key: key,
      status,
      title: `${service} ${key}: message ${this.messages}`,
      occurred_at: new Date(Date.now() + this.messages).toISOString(),
    });
  }

  /** The user acts on the row of an alert that is on the page, and takes the hands away. */
  private async press(): Promise<void> {
    const rows = this.page.locator('[data-alert]');
    const count = await rows.count();
    if (count === 0) return;
    const key = this.random.of(['a', 's', 's', 'm', 'm', 'r']);
    const id = await rows.nth(this.random.between(0, count - 1)).getAttribute('data-alert');
    this.steps.push(`the user presses ${key} on ${id}`);
    await this.page.evaluate(`(async () => {
      const row = document.querySelector('[data-alert="${id}"]');
      row?.focus();
      // the page knows which row has the focus once it is drawn
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      row?.dispatchEvent(new KeyboardEvent('keydown', { key: '${key}', bubbles: true, cancelable: true }));
    })()`);
    if (key === 's') await this.chooseSnooze();
    await this.page.evaluate('document.activeElement?.blur()');
  }

  /** Takes the snooze that has the focus. A row that left the page before the key has opened no menu. */
  private async chooseSnooze(): Promise<void> {
    const choice = this.page.locator('[role=menuitem]:focus');
    const isOpen = await choice.waitFor({ timeout: MENU_MS }).then(
      () => true,
      () => false,
    );
    if (isOpen) await choice.press('Enter');
    await this.page.getByRole('menu').waitFor({ state: 'detached' });
  }

  private async actAsColleague(): Promise<void> {
    const { alerts } = (await this.ask('POST', '/alerts/search', {})) as AlertPage;
    if (alerts.length === 0) return;
    const { alert_id } = this.random.of(alerts);
    const act = this.random.of(['acknowledge', 'resolve', 'reopen', 'unsnooze', 'assign']);
    this.steps.push(`the colleague does ${act} on ${alert_id}`);
    await this.ask('PATCH', `/alerts/${alert_id}`, { act, ...(act === 'assign' && { assignee: 'me' }) });
  }

  private async move(): Promise<void> {
    this.place = this.random.of(PLACES);
    const { scope } = this.place;
    const query = this.place.query + (scope === undefined ? '' : `&tenant=${tenantsOf(this.name)[scope]}`);
    this.steps.push(`the user goes to ${query || 'all that is open'}`);
    // as a link in the page would, without loading it again
    await this.page.evaluate(
      `(() => { history.pushState(null, '', '/' + ${JSON.stringify(query)}); dispatchEvent(new PopStateEvent('popstate')); })()`,
    );
  }

  /** What differs once everything has come to rest: the rows from the REST answers, the numbers from a query each. */
  private async atRest(): Promise<Wrong[]> {
    let wrong: Wrong[] = [];
    await eventually(async () => {
      wrong = [...(await this.wrongRows()), ...(await this.wrongNumbers())];
      expect(wrong).toEqual([]);
    }, AT_REST_MS).catch(() => undefined);
    return wrong;
  }

  /** Which alerts the list at the user's place has, in SQL. */
  private get condition(): string {
    const { sql, scope } = this.place;
    const tenants = tenantsOf(this.name);
    const shown = scope === undefined ? tenants : [tenants[scope]];
    return `tenant_id in (${shown.map((one) => `'${one}'`).join(', ')}) and ${sql}`;
  }

  private async wrongRows(): Promise<Wrong[]> {
    const shown = await this.page.evaluate<Record<string, string>>(
      `Object.fromEntries([...document.querySelectorAll('[data-alert]')].map((row) => [row.dataset.alert, [row.dataset.status, row.dataset.severity].join('|')]))`,
    );
    const listed = await this.stack.sql<{ alert_id: string }>(
      `select alert_id from tocsin.alert where ${this.condition}`,
    );
    const answers = await Promise.all(
      listed.map(({ alert_id }) => this.ask('GET', `/alerts/${alert_id}`) as Promise<Alert>),
    );
    const expected = Object.fromEntries(
      answers.map(({ alert_id, status, severity }) => [alert_id, `${status}|${severity}`]),
    );
    return isDeepStrictEqual(shown, expected)
      ? []
      : [`the rows are ${JSON.stringify(shown)}, the server says ${JSON.stringify(expected)}`];
  }

  private async wrongNumbers(): Promise<Wrong[]> {
    const numbers = await this.page.evaluate<Record<string, string | undefined>>(`({
      ${SEVERITIES.map((one) => `${one}: document.querySelector('[data-testid=open-${one}]')?.textContent`).join(',')},
      chart: String([...document.querySelectorAll('table td')].reduce((sum, cell) => sum + Number(cell.textContent), 0)),
    })`);
    const from = `from tocsin.alert where ${this.condition}`;
    const [counted] = await this.stack.sql<Record<string, string>>(
      `select ${SEVERITIES.map((one) => `count(*) filter (where severity = '${one}')::text as ${one}`).join(', ')}, count(*)::text as chart ${from}`,
    );
    return isDeepStrictEqual(numbers, counted)
      ? []
      : [`the numbers are ${JSON.stringify(numbers)}, a query says ${JSON.stringify(counted)}`];
  }

  /**
   * What a row said in any frame, and its alert neither was then nor had been within the time in which a change must be
   * shown. The words for why a row leaves must be those of the state that it leaves in.
   */
  private async inFrames(): Promise<Wrong[]> {
    const said = await this.page.evaluate<Record<string, Said[]>>('window.said');
    const wrong: Wrong[] = [];
    for (const [alertId, all] of Object.entries(said)) {
      const { events } = (await this.ask('GET', `/alerts/${alertId}/history?limit=200`)) as { events: Entry[] };
      this.actsOfUser += events.filter(({ actor }) => actor?.startsWith('ana')).length;
      // the newest entry first: each state lasts until the entry before it in the list
      const was = events.map(({ status, severity, received_at }, index) => ({
        state: `${status}|${severity}`,
        from: Date.parse(received_at) - ROUNDED_MS,
        until: index === 0 ? Infinity : Date.parse(events[index - 1]!.received_at) + LATE_MS,
      }));
      for (const { state, from, until } of all) {
        const [status, severity, words] = state.split('|') as [string, string, string];
        const isTrue = (at: number) =>
          status === '' ||
          was.some((one) => one.state === `${status}|${severity}` && one.from <= at && at <= one.until);
        if (!isTrue(from) || !isTrue(until)) wrong.push(`a row said ${state} of an alert that was ${inWords(was)}`);
        if ((/^Resolved/.test(words) && status !== 'resolved') || (/^Snoozed/.test(words) && status !== 'snoozed'))
          wrong.push(`a row that is ${status} said "${words}"`);
      }
    }
    return wrong;
  }

  private async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const { json } = await ask(this.stack.gateway.url, `/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${tokenFor(`ben-${this.name}@example.test`, MAY_ACT)}`,
        'Content-Type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return json;
  }
}

const inWords = (was: readonly Said[]): string =>
  was.map(({ state, from }) => `${state} from ${new Date(from).toISOString().slice(14, 23)}`).join(', ');
