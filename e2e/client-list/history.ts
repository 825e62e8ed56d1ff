import { isDeepStrictEqual } from 'node:util';
import type { Alert, AlertAct, AlertPage, AlertSearch } from '@tocsin/contracts/wire';
import { eventually } from '@tocsin/contracts/testing';
import type { ClientCore } from '../faults/client-copy';
import { ask, askPatiently } from '../kit/http';
import { SeededRandom } from '../kit/seeded-random';
import type { Stack } from '../kit/stack';
import { tokenFor } from '../kit/tokens';
import { Page, SEARCHES } from './page';

/** How long to wait for an expected event, even on a busy machine. */
const PATIENCE_MS = 30_000;
/** A list that has caught up with the event log renders within a frame, and loads what an entry did not tell. */
const PAINTED_MS = 3_000;
const SERVICES = ['inventory', 'orders'];
const KEYS = ['a', 'b', 'c', 'd', 'e'];
const SEVERITIES = ['urgent', 'high', 'medium', 'low'];
const ACTS = [
  'acknowledge',
  'acknowledge',
  'unacknowledge',
  'resolve',
  'resolve',
  'reopen',
  'snooze',
  'unsnooze',
  'assign',
  'note',
] as const;
/** The page size with which the server's list is read to its end by cursor. */
const PAGE_SIZE = 4;

/** One list that differs from the server's. */
export interface Difference {
  user: string;
  search: AlertSearch;
  shown: readonly Alert[];
  server: readonly Alert[];
}

/**
 * A random life of one tenant with two users: messages of producers, acts of people, and faults of the network, decided
 * by a seed. Timing decides which of it the other user sees first.
 */
export class History {
  /** The steps so far, to find out why a list is wrong. */
  readonly steps: string[] = [];
  private readonly random: SeededRandom;
  private readonly pages: readonly Page[];
  private messages = 0;

  constructor(
    private readonly stack: Stack,
    core: ClientCore,
    readonly seed: number,
    private readonly tenant: string,
  ) {
    this.random = new SeededRandom(seed);
    this.pages = ['ana', 'ben'].map(
      (name, at) =>
        new Page(core, stack.gateways[at % stack.gateways.length]!.url, `${name}-${tenant}`, (what) =>
          this.steps.push(`${name} ${what}`),
        ),
    );
    for (const { user } of this.pages) stack.tenantService.assign(user, [tenant]);
  }

  /** Runs this many steps. Resolves to the differences after everything has settled. */
  async run(count: number): Promise<Difference[]> {
    try {
      const [ana, ben] = this.pages as [Page, Page];
      for (let i = 0; i < 4; i += 1) await this.say();
      ana.load();
      await this.say();
      ben.load(await this.cursorOfServer());
      for (let i = 0; i < count; i += 1) await this.step();
      return await this.atRest();
    } finally {
      for (const page of this.pages) page.unload();
    }
  }

  private async step(): Promise<void> {
    const page = this.random.of(this.pages);
    const roll = this.random.between(1, 100);
    if (roll <= 36) return this.say();
    if (roll <= 70) return this.act(page);
    const what = this.random.of([
      'disconnect',
      'reconnect',
      'reconnect',
      'load',
      'load',
      'more',
      'hold',
      'hold',
      'release',
      'release',
      'reload',
      'rest',
      'rest',
    ] as const);
    this.steps.push(`${page.user} ${what}`);
    const list = this.random.of(page.lists);
    if (what === 'rest') await this.rest();
    else if (what === 'load') void list.load();
    else if (what === 'more') void list.loadMore();
    else page[what]();
  }

  /** Sends a message: of an existing alert or a new one; now and then a late one. */
  private async say(): Promise<void> {
    this.messages += 1;
    const [service, severity, isLate] = [
      this.random.of(SERVICES),
      this.random.of(SEVERITIES),
      this.random.between(1, 6) === 1,
    ];
    const dedup_key = this.random.between(1, 8) === 1 ? undefined : this.random.of(KEYS);
    const status = dedup_key && this.random.between(1, 4) === 1 ? 'resolved' : 'firing';
    const minute = isLate ? this.random.between(0, this.messages) : this.messages;
    const body = {
      id: `m${this.messages}`,
      tenant_id: this.tenant,
      title: `${dedup_key ?? 'one'} ${this.messages}`,
      labels: { at: String(this.messages) },
      dedup_key,
      status,
      occurred_at: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
    };
    this.steps.push(`${service} says ${severity} ${JSON.stringify(body)}`);
    await this.stack.amqp.publish(`alert.${severity}.${service}`, body);
  }

  /** Acts on one alert or several, as the page shows them. The server decides whether the act is allowed. */
  private async act(page: Page): Promise<void> {
    const shown = page.shown.map(({ alert_id }) => alert_id);
    if (shown.length === 0) return;
    const alerts = new Set(Array.from({ length: this.random.of([1, 1, 1, 2, 4]) }, () => this.random.of(shown)));
    const name = this.random.of(ACTS);
    const act: AlertAct = {
      act: name,
      ...(name === 'snooze' && { until: new Date(Date.now() + this.random.between(1, 20) * 3_600_000).toISOString() }),
      ...(name === 'assign' && { assignee: this.random.of(['me', 'me', 'zoe', null]) }),
      ...(name === 'note' && { note: `word ${this.random.between(1, 9)}` }),
    };
    this.steps.push(`${page.user} ${JSON.stringify(act)} ${[...alerts].join(' ')}`);
    page.act([...alerts], act);
    // one in three is answered before the next step, unless responses are held back
    if (this.random.between(1, 3) === 1)
      await Promise.race([...page.acts, ask(this.stack.gateway.url, '/docs/errors')]);
  }

  private async rest(): Promise<void> {
    for (const page of this.pages) {
      page.release();
      page.reconnect();
    }
    await Promise.all(this.pages.flatMap(({ acts }) => [...acts]));
    await eventually(async () => {
      const [{ settled }] = (await this.stack.sql(
        `select (select count(*)::int from tocsin.idempotency where tenant_id = $1) = $2 and not exists (select from tocsin.alert where tenant_id = $1 and folded > 0) as settled`,
        [this.tenant, this.messages],
      )) as [{ settled: boolean }];
      if (!settled) throw new Error(`not all of ${this.messages} messages of ${this.tenant} are entries`);
      const head = await this.cursorOfServer();
      for (const page of this.pages) if (page.behind(head)) throw new Error(page.behind(head)!);
    }, PATIENCE_MS);
  }

  private async atRest(): Promise<Difference[]> {
    await this.rest();
    const lists = this.pages.flatMap((page) =>
      SEARCHES.map((search, at) => ({ user: page.user, search, list: page.lists[at]! })),
    );
    const compared = await Promise.all(
      lists.map(async ({ user, search, list }) => ({
        user,
        search,
        list,
        server: await this.serverList(user, search),
      })),
    );
    const differences = () =>
      compared
        .map(({ user, search, list, server }) => {
          const { alerts, hasMore } = list.getSnapshot();
          return { user, search, shown: alerts, server: hasMore ? server.slice(0, alerts.length) : server };
        })
        .filter(({ shown, server }) => !isDeepStrictEqual(shown, server));
    return eventually(() => {
      if (differences().length > 0) throw new Error('not yet');
      return [];
    }, PAINTED_MS).catch(differences);
  }

  private async cursorOfServer(): Promise<string> {
    return (await this.page(this.pages[0]!.user, new URLSearchParams({ limit: '1' }))).cursor;
  }

  /** The server's complete list, page by page, read by code that is independent of the client. */
  private async serverList(
    user: string,
    { status, severity, service, assignee, order }: AlertSearch,
  ): Promise<Alert[]> {
    const alerts: Alert[] = [];
    for (let after: string | null = ''; after !== null;) {
      const wanted = {
        status,
        severity,
        service,
        assignee,
        order: order ?? 'newest',
        limit: PAGE_SIZE,
        ...(after && { after }),
      };
      const query = new URLSearchParams(
        Object.entries(wanted).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, String(value)] as [string, string]],
        ),
      );
      const page: AlertPage = await this.page(user, query);
      alerts.push(...page.alerts);
      after = page.next;
    }
    return alerts;
  }

  private async page(user: string, query: URLSearchParams): Promise<AlertPage> {
    const { status, text } = await askPatiently(this.stack.gateway.url, `/api/v1/alerts?${query.toString()}`, {
      headers: { Authorization: `Bearer ${tokenFor(user)}` },
    });
    if (status !== 200) throw new Error(`${status} ${text}`);
    return JSON.parse(text) as AlertPage;
  }
}

/** Which alerts are missing, superfluous, out of order or different, and in which fields. */
export function inWords({ user, search, shown, server }: Difference): string {
  const stored = new Map(server.map((alert) => [alert.alert_id, alert]));
  const fields = shown.flatMap((alert) =>
    Object.entries(stored.get(alert.alert_id) ?? {}).flatMap(([name, value]) =>
      isDeepStrictEqual(value, alert[name as keyof Alert])
        ? []
        : [
            `${alert.alert_id} ${name}: ${JSON.stringify(alert[name as keyof Alert])}, and not ${JSON.stringify(value)}`,
          ],
    ),
  );
  const ids = (alerts: readonly Alert[]) => alerts.map(({ alert_id, title }) => `${alert_id} ${title}`).join('\n  ');
  return `${user} ${JSON.stringify(search)} shows\n  ${ids(shown)}\nand not\n  ${ids(server)}\n${fields.join('\n')}`;
}
