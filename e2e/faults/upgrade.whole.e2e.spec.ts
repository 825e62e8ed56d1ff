import { eventually } from '@tocsin/contracts/testing';
import { commandsOf, runCommands } from '../kit/document-commands';
import { ask } from '../kit/http';
import type { AppProcess, Program } from '../kit/processes';
import { Stack, TENANT_SERVICE_TOKEN } from '../kit/stack';
import { JWT_SECRET, tokenFor } from '../kit/tokens';
import { figures } from './figures';
import { HttpLoad } from './http-load';
import { OlderBuild } from './older-build';
import { limitMs } from './size';
import { SteadyLoad, wallMs } from './steady-load';
import { brokenPromises, caughtUp, deliveryMs, percentile, storedAll } from './verdict';
import { Watcher } from './watcher';

/** The last commit before the migrations 0009 to 0032, the queues for expired messages and the signed hints. */
const OLDER = 'f4ea33f';
const TENANTS = ['bakery', 'brewery', 'cafe'];
const CLIENTS = 24;
const AMQP_PER_SECOND = 40;
const HTTP_PER_SECOND = 10;
const DRAIN_MS = 5_000;
/** How long a client may be without a live stream when its gateway stops: it comes back after 100 ms. */
const AWAY_MS = 3_000;

const usersOf = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`user-${i}`, i % 4 === 3 ? TENANTS : [TENANTS[i % TENANTS.length]!]]),
  );

const reason = OlderBuild.whyNot(OLDER);

(reason ? describe.skip : describe)(
  `a rolling upgrade from ${OLDER}, the way back and the upgrade again, under load${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let older: OlderBuild;
    let stack: Stack;
    let amqp: SteadyLoad;
    let http: HttpLoad;
    let watchers: Watcher[] = [];

    beforeAll(async () => {
      older = await OlderBuild.of(OLDER);
      stack = await Stack.open({
        tenants: usersOf(CLIENTS),
        migrated: false,
        processors: 0,
        gateways: 0,
        gatewayEnvironment: { DRAIN_MS: String(DRAIN_MS) },
      });
      await older.migrate(stack.environment);
      for (let i = 0; i < 2; i += 1) await stack.startProcessor({}, older.program('alert-processor'));
      for (let i = 0; i < 2; i += 1) await stack.startGateway({}, older.program('gateway'));
      amqp = new SteadyLoad(stack.amqp, { tenants: TENANTS, perSecond: AMQP_PER_SECOND });
      http = new HttpLoad(urls, { tenants: TENANTS, perSecond: HTTP_PER_SECOND });
      watchers = await Promise.all(
        Object.entries(usersOf(CLIENTS)).map(([user, tenants], i) =>
          new Watcher(user, tenants, () => stack.gateways.map((gateway) => stack.eventsUrl(gateway)), i).start(),
        ),
      );
    }, 600_000);
    afterAll(async () => {
      await Promise.all([amqp?.stop(), http?.stop()]);
      await Promise.all(watchers.map((watcher) => watcher.stop()));
      await stack?.close();
      older?.remove();
    }, 120_000);

    const urls = () => stack.gateways.map(({ url }) => url);

    /**
     * Replaces each process by one of another version. The gateways are known to producers and clients, as behind a
     * load balancer, until they answer `/readyz` with 503.
     */
    async function replace(running: AppProcess[], start: () => Promise<AppProcess>): Promise<void> {
      for (const process of [...running]) {
        const ended = process.stop();
        await eventually(async () => {
          const status = await fetch(`${process.adminUrl}/readyz`).then(
            (answer) => answer.status,
            () => undefined,
          );
          if (status === 200) throw new Error(`${process.describe()} is still ready`);
        });
        running.splice(running.indexOf(process), 1);
        await ended;
        await start();
        await everyClientIsLive();
        await everyGatewayServes();
      }
    }
    const processorsBy = (program?: Program) => replace(stack.processors, () => stack.startProcessor({}, program));
    const gatewaysBy = (program?: Program) => replace(stack.gateways, () => stack.startGateway({}, program));

    /** Resolves once each client has an entry that was published after this call. */
    async function everyClientIsLive(): Promise<void> {
      const from = wallMs();
      await eventually(() => {
        const behind = watchers.filter(({ entries }) => {
          const last = entries.at(-1);
          return !last || sentAt(last.data) < from;
        });
        if (behind.length > 0) throw new Error(`${behind.map(({ user }) => user).join(', ')} have nothing new`);
      }, 30_000);
    }

    /** Checks the version of every process, by a metric that was renamed since. */
    async function everyProcessIs(version: 'new' | 'older'): Promise<void> {
      for (const process of [...stack.processors, ...stack.gateways]) {
        const names = await (await fetch(`${process.adminUrl}/metrics`)).text();
        expect([names.includes('tocsin_bus_up'), names.includes('tocsin_redis_up')]).toEqual(
          version === 'new' ? [true, false] : [false, true],
        );
      }
    }

    /** A list, an alert, the numbers and a note: each calls functions of the database. */
    async function everyGatewayServes(): Promise<void> {
      const headers = {
        Authorization: `Bearer ${tokenFor('user-3', { scope: 'alerts:read alerts:write' })}`,
        'Content-Type': 'application/json',
      };
      for (const url of urls()) {
        const list = await ask(url, '/api/v1/alerts?limit=1', { headers });
        const [alert] = list.json.alerts as { alert_id: string }[];
        const statuses = [list.status];
        for (const path of ['/api/v1/stats', `/api/v1/alerts/${alert!.alert_id}`])
          statuses.push((await ask(url, path, { headers })).status);
        const body = JSON.stringify({ act: 'note', note: 'still here' });
        const noted = await ask(url, `/api/v1/alerts/${alert!.alert_id}`, { method: 'PATCH', headers, body });
        expect([...statuses, noted.status, noted.json.code]).toEqual([200, 200, 200, 200, undefined]);
      }
    }

    /** Prints what the clients saw during a part of the run: how long they were away, and how late entries were. */
    async function measured(title: string, part: () => Promise<void>): Promise<void> {
      const awaysBefore = watchers.map(({ absencesMs }) => absencesMs.length);
      const [from, refusedBefore] = [wallMs(), http.refused];
      await part();
      const aways = watchers.flatMap(({ absencesMs }, i) => absencesMs.slice(awaysBefore[i]));
      const late = deliveryMs(watchers.flatMap(({ entries }) => entries.filter(({ data }) => sentAt(data) >= from)));
      figures(20, title, {
        'streams that ended': aways.length,
        'without a stream p50 ms': percentile(aways, 50),
        'without a stream longest ms': { is: percentile(aways, 100), atMost: AWAY_MS },
        'publish to client p99 ms': percentile(late, 99),
        'publish to client longest ms': percentile(late, 100),
        'HTTP attempts refused': http.refused - refusedBefore,
        seconds: (wallMs() - from) / 1_000,
      });
      expect(percentile(aways, 100)).toBeLessThan(AWAY_MS);
    }

    it(
      'loses nothing, stores nothing twice and leaves no client with a hole',
      async () => {
        amqp.start();
        http.start();
        await everyClientIsLive();
        await everyGatewayServes();

        const { commands } = commandsOf('upgrade').find((block) => block.commands.includes('npm run migrate'))!;
        await measured('migrating under the older processes', async () => {
          await runCommands(commands, stack.environment);
          await everyClientIsLive();
          await everyGatewayServes();
        });
        await measured('processors, then gateways to the new version', async () => {
          await processorsBy();
          await gatewaysBy();
          await everyProcessIs('new');
        });
        const notifier = await stack.startNotifier();
        await measured('gateways, then processors back to the older version', async () => {
          await notifier.stop();
          await gatewaysBy(older.program('gateway'));
          await processorsBy(older.program('alert-processor'));
          await everyProcessIs('older');
        });
        await measured('to the new version again', async () => {
          await runCommands(commands, stack.environment);
          await processorsBy();
          await gatewaysBy();
          await everyProcessIs('new');
        });

        await Promise.all([amqp.stop(), http.stop()]);
        const published = [...amqp.published, ...http.published];
        const rows = await storedAll(stack.database.url, published);
        await caughtUp(watchers, rows);
        figures(20, `the ledger of ${CLIENTS} clients`, {
          published: published.length,
          confirmed: published.filter(({ confirmed }) => confirmed).length,
          stored: rows.filter(({ is_act }) => !is_act).length,
          acts: rows.filter(({ is_act }) => is_act).length,
          'dead letters': (await stack.amqp.takeDead()).length,
          'errors in logs': stack.processes.output.match(/"level":(50|60|"error"|"fatal")/g)?.length ?? 0,
        });
        expect(published.filter(({ confirmed }) => !confirmed)).toEqual([]);
        expect(
          brokenPromises({
            published,
            histories: [rows],
            watchers,
            logs: [stack.processes.output],
            secrets: [JWT_SECRET, TENANT_SERVICE_TOKEN],
          }).slice(0, 10),
        ).toEqual([]);
        expect(stack.processes.output).not.toContain('migrated by a newer version');
      },
      limitMs(180),
    );
  },
);

const sentAt = (data: string): number =>
  (JSON.parse(data) as { metadata?: { sent_at?: number } }).metadata?.sent_at ?? 0;
