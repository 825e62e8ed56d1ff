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

/** How long to wait for an event that every processor causes, even on a busy machine. */
const PATIENCE_MS = 30_000;
/** How long a broken processor gets for an event that it will never cause. An unbroken processor gets the full time. */
const GIVEN_TO_BROKEN_MS = 3_000;
/** More attempts than a message with an error of its own gets. */
const ENDED_ATTEMPTS = 4;
/**
 * By then the process has announced what it stored, which takes its time where it is the first announcement on a busy
 * machine, and has sent its last acknowledgements before a kill.
 */
const TOLD_MS = 1_500;

/**
 * One processor of the given build, and tenants that only this scenario uses. `close` closes everything that a scenario
 * opened.
 */
export class IngestArena {
  readonly published: Published[] = [];
  readonly name = randomBytes(4).toString('hex');
  /** How long the tested processor may take for an event that only an unbroken one causes. */
  readonly givenMs: number;
  private readonly closers: (() => Promise<unknown>)[] = [];

  constructor(
    readonly stack: Stack,
    private readonly build: BuiltCopy,
    /** Processors that are not broken. */
    whole: BuiltCopy,
  ) {
    this.givenMs = build === whole ? PATIENCE_MS : GIVEN_TO_BROKEN_MS;
  }

  /**
   * A tenant of this arena alone. The same letter gives the same lane in every run, because the names differ only in
   * it.
   */
  tenant(letter: string): string {
    return `${this.name}-${letter}`;
  }

  /** Installs the database functions of this build. */
  async migrate(): Promise<void> {
    const cli = this.stack.processes.launch('cli', this.stack.environment, ['migrate'], this.build.program('cli').main);
    const { code } = await cli.exit;
    // the end of this process is intended
    await cli.kill();
    if (code !== 0) throw new Error('The migration failed.');
  }

  /** Starts the tested processor. */
  async processor(): Promise<AppProcess> {
    const processor = await this.stack.startProcessor({}, this.build.program('alert-processor'));
    this.closers.push(() => processor.stop());
    return processor;
  }

  /** Starts the tested processor, which is expected to die soon. */
  doomed(failpoints: string, environment: Record<string, string> = {}): AppProcess {
    const doomed = launchDoomed(this.stack, this.build.programWith('alert-processor', failpoints), environment);
    // otherwise it would take the messages of the next scenario
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

  /** The event log of these tenants, once all published messages are in it, or after the tested processor's time. */
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

/** The scenarios. Each resolves to the promises that were broken: none for an unbroken processor. */
export const INGEST_SCENARIOS = {
  async 'a kill before the insert'(arena: IngestArena): Promise<string[]> {
    const doomed = arena.doomed(`append.before=delay:${TOLD_MS},append.before=crash`);
    await arena.publish('m');
    await doomed.exit;
    await arena.processor();
    return arena.broken();
  },

  async 'a kill while one tenant is stored and another is not'(arena: IngestArena): Promise<string[]> {
    // the first statement never ends, the later ones do; many lanes, so that tenants seldom share one
    const doomed = arena.doomed(`append.before=hold:${__filename}@1`, { PROCESSOR_LANES: '16', DB_POOL_SIZE: '40' });
    await arena.publish('stuck', arena.tenant('a'));
    // it is in its statement: a message that arrived together with it would share the statement
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
    // published later, so when it is settled the earlier one is settled too
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
      // the migration waits for the table, so it is in progress
      const [waiting] = await eventually(async () => {
        const rows = await arena.stack.sql<{ pid: number }>(
          `select pid, pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and wait_event_type = 'Lock' and query like '%store_events%' and pid <> all ($1) limit 1`,
          [ended],
        );
        if (rows.length === 0) throw new Error('no statement waits');
        return rows;
      }, arena.givenMs).catch(() => []);
      // a message that was given up does not wait any more
      if (!waiting) break;
      ended.push(waiting.pid);
    }
    await holder.query('commit');
    return arena.broken();
  },
} as const;

export type IngestScenarioName = keyof typeof INGEST_SCENARIOS;
