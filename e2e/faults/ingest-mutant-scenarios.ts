import { eventually } from '@tocsin/contracts/testing';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Published, StoredRow } from '../kit/ledger';
import type { AppProcess } from '../kit/processes';
import type { Stack } from '../kit/stack';
import type { BuiltCopy } from './built-copy';
import { HELD } from './crashing-ports';
import { aMessage, launchDoomed, publishAll } from './ingest-kit';
import { brokenPromises, caughtUp, storedAll } from './verdict';
import { Watcher } from './watcher';

/** What happens to every processor is awaited for so long, on however busy a machine. */
const PATIENCE_MS = 30_000;
/** How long a broken processor is given for what it will never do; one that is whole is waited for. */
const GIVEN_TO_BROKEN_MS = 3_000;
/** More than a message gets that fails for its own fault. */
const ENDED_ATTEMPTS = 4;
/** What was told to the broker before a kill has left the process by then. */
const TOLD_MS = 500;

/** One processor from the given build, and tenants that nobody else has. What a scenario opened, `close` closes. */
export class IngestArena {
  readonly published: Published[] = [];
  readonly name = randomBytes(4).toString('hex');
  /** How long the processor in question may take for what only a whole one does. */
  readonly givenMs: number;
  private readonly closers: (() => Promise<unknown>)[] = [];

  constructor(
    readonly stack: Stack,
    private readonly build: BuiltCopy,
    /** Processors as they are. */
    whole: BuiltCopy,
  ) {
    this.givenMs = build === whole ? PATIENCE_MS : GIVEN_TO_BROKEN_MS;
  }

  /** A tenant of this arena's own. The same letter is the same lane in every run: names of one length differ by it alone. */
  tenant(letter: string): string {
    return `${this.name}-${letter}`;
  }

  /** The functions of the database as this build has them. */
  async migrate(): Promise<void> {
    const cli = this.stack.processes.launch('cli', this.stack.environment, ['migrate'], this.build.program('cli').main);
    const { code } = await cli.exit;
    // it was meant to
    await cli.kill();
    if (code !== 0) throw new Error('The migration failed.');
  }

  /** The processor in question. */
  async processor(): Promise<AppProcess> {
    const processor = await this.stack.startProcessor({}, this.build.program('alert-processor'));
    this.closers.push(() => processor.stop());
    return processor;
  }

  /** The same, which does not live long. */
  doomed(failpoints: string, environment: Record<string, string> = {}): AppProcess {
    const doomed = launchDoomed(this.stack, this.build.programWith('alert-processor', failpoints), environment);
    // or it would take what the next scenario publishes
    this.onClose(() => doomed.kill());
    return doomed;
  }

  async publish(id: string, tenant = this.tenant('a')): Promise<void> {
    this.published.push(...(await publishAll(this.stack.amqp, [aMessage(id, { tenant_id: tenant })])));
  }

  async watch(): Promise<Watcher> {
    this.stack.tenantService.assign(this.name, [this.tenant('a')]);
    const watcher = await new Watcher(this.name, [this.tenant('a')], () => [this.stack.eventsUrl()]).start();
    this.closers.push(() => watcher.stop());
    return watcher;
  }

  /** The log of these tenants, once all that was published is in it, or after what a processor is given. */
  async rows(): Promise<StoredRow[]> {
    const isOurs = ({ tenant_id }: StoredRow) => tenant_id.startsWith(this.name);
    await storedAll(this.stack.database.url, this.published, this.givenMs).catch(() => undefined);
    return (await this.stack.rows()).filter(isOurs);
  }

  async broken(watchers: Watcher[] = []): Promise<string[]> {
    const rows = await this.rows();
    await caughtUp(watchers, rows, this.givenMs);
    return brokenPromises({ published: this.published, histories: [rows], watchers });
  }

  onClose(close: () => Promise<unknown>): void {
    this.closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.closers.reverse()) await close();
  }
}

/** What can happen to a processor. Each scenario resolves to the promises that were broken: none, for one that is whole. */
export const INGEST_SCENARIOS = {
  async 'a kill before the insert'(arena: IngestArena): Promise<string[]> {
    const doomed = arena.doomed(`append.before=delay:${TOLD_MS},append.before=crash`);
    await arena.publish('m');
    await doomed.exit;
    await arena.processor();
    return arena.broken();
  },

  async 'a kill while one tenant is stored and another is not'(arena: IngestArena): Promise<string[]> {
    // the first statement takes for ever, those behind it do not; many lanes, so that tenants seldom share one
    const doomed = arena.doomed(`append.before=hold:${__filename}@1`, { PROCESSOR_LANES: '16', DB_POOL_SIZE: '40' });
    await arena.publish('stuck', arena.tenant('a'));
    // in its statement: what came with it would share that
    await eventually(() => expect(doomed.output).toContain(HELD), PATIENCE_MS);
    await arena.publish('stored', arena.tenant('b'));
    await eventually(async () =>
      expect((await arena.stack.rows()).map(({ event_id }) => event_id)).toContain('stored'),
    );
    await sleep(TOLD_MS);
    await doomed.kill();
    await arena.processor();
    return arena.broken();
  },

  async 'a kill after the commit'(arena: IngestArena): Promise<string[]> {
    const doomed = arena.doomed('append.committed=crash');
    await arena.publish('m');
    await doomed.exit;
    await arena.processor();
    // behind it, so that it has been settled
    await arena.publish('n');
    return arena.broken();
  },

  async 'a commit that fails at first'(arena: IngestArena): Promise<string[]> {
    const { stack, name } = arena;
    await stack.sql(`
      create sequence public.commits_${name};
      create function public.fail_${name}() returns trigger language plpgsql security definer as $$
        begin if nextval('public.commits_${name}') = 1 then raise exception 'disk full' using errcode = '53100'; end if; return null; end $$;
      create constraint trigger fail_${name} after insert on tocsin.event deferrable initially deferred
        for each row when (new.tenant_id = '${arena.tenant('a')}') execute function public.fail_${name}()`);
    arena.onClose(() => stack.sql(`drop trigger fail_${name} on tocsin.event`));
    const watcher = await arena.watch();
    await arena.processor();
    await arena.publish('m');
    return arena.broken([watcher]);
  },

  async 'a session that the server ends in the middle of a statement'(arena: IngestArena): Promise<string[]> {
    await arena.processor();
    const holder = new Client({ connectionString: arena.stack.database.url });
    arena.onClose(() => holder.end());
    await holder.connect();
    await holder.query('begin; lock table tocsin.tenant_stream in access exclusive mode');
    await arena.publish('m');
    const ended: number[] = [];
    while (ended.length < ENDED_ATTEMPTS) {
      // it waits for the table: that is the middle of it
      const [waiting] = await eventually(async () => {
        const rows = await arena.stack.sql<{ pid: number }>(
          `select pid, pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock' and query like '%store_events%' and pid <> all ($1) limit 1`,
          [ended],
        );
        if (rows.length === 0) throw new Error('no statement waits');
        return rows;
      }, arena.givenMs).catch(() => []);
      // a message that was given up waits for nothing any more
      if (!waiting) break;
      ended.push(waiting.pid);
    }
    await holder.query('commit');
    return arena.broken();
  },
} as const;

export type IngestScenarioName = keyof typeof INGEST_SCENARIOS;
