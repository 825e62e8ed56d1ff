import {
  migrate as migrateDatabase,
  migrationState,
  migrationUrlOf,
  stepsOf,
  type MigrationState,
} from '@tocsin/postgres';
import { readNumber, UsageError, type Command, type Values } from './command';
import { loadMigrateConfig, migrateSettings } from './config';
import { appliedInWords, isUpToDate, planInWords, stateInWords, type Told } from './migration-words';
import { onceReachable } from './once-reachable';

const options = {
  'dry-run': {
    type: 'boolean',
    about: 'Shows what would run, in which transactions, and changes nothing. It does not try the statements.',
  },
  to: {
    type: 'string',
    value: '<number>',
    about:
      'Stops after this migration, such as 28. Functions stay as they are then, so no version is sure to work ' +
      'until migrate has run without --to. Default the newest.',
  },
  json: { type: 'boolean', about: 'Prints one JSON value.' },
} as const;

export const migrate: Command<typeof options> = {
  name: 'migrate',
  purpose: 'brings the database up to date',
  about:
    'Runs the numbered migrations that have not run yet, and creates the functions again. All of it runs ' +
    'in one transaction under a lock, except for steps that cannot run in a transaction. It is safe to ' +
    'repeat, even at the same time. It needs the owner of the schema, who may create roles.',
  actions: {
    apply: 'migrates; the same as no word',
    status: 'how far the database is, without changing it',
  },
  byDefault: 'apply',
  options,
  examples: [
    'DATABASE_URL=postgresql://tocsin:secret@localhost:5432/tocsin npm run migrate',
    'npm run migrate -- status',
    'npm run migrate -- --dry-run',
    'npm run -s migrate -- status --json | jq .pending',
  ],
  settings: migrateSettings,
  exits: { 1: 'the database could not be used or migrated; status: this version needs a migration' },

  async run({ action, values }, terminal) {
    const task = plan(action, values);
    const config = loadMigrateConfig(terminal.environment);
    const url = migrationUrlOf(config)!;
    const outcome = await onceReachable(() => task(url), config.DB_READY_TIMEOUT, terminal);
    if (!outcome) return 1;
    const { lines, json } = outcome.told;
    for (const line of values.json ? [JSON.stringify(json)] : lines) terminal.out(line);
    return outcome.exitCode;
  },
};

type Task = (url: string) => Promise<{ exitCode: number; told: Told }>;

/** The work that this command line asks for. Throws `UsageError` before the database is opened. */
function plan(action: string, values: Values<typeof options>): Task {
  const dryRun = values['dry-run'] === true;
  if (action === 'status') {
    if (dryRun || values.to !== undefined)
      throw new UsageError('status changes nothing: it takes no --dry-run or --to.');
    return async (url) => {
      const state = await migrationState({ connection: { url } });
      return { exitCode: isUpToDate(state) ? 0 : 1, told: stateInWords(state) };
    };
  }
  const to =
    values.to === undefined ? undefined : readNumber('--to', values.to, { least: 1, most: 9_999, whole: true });
  if (dryRun)
    return async (url) => ({ exitCode: 0, told: whatWouldRun(await migrationState({ connection: { url } }), to) });
  return async (url) => ({
    exitCode: 0,
    told: appliedInWords(await migrateDatabase({ connection: { url }, ...(to !== undefined && { to }) })),
  });
}

/** Throws what `migrate` would throw. */
function whatWouldRun({ version, pending, applied, unknown }: MigrationState, to = version): Told {
  const complete = to >= version;
  const beyond = applied.filter((name) => parseInt(name, 10) > to);
  if (!complete && beyond.length > 0) throw new Error(`Migrations go one way: ${beyond.at(-1)} has run already.`);
  const newer = unknown.filter((name) => parseInt(name, 10) > version);
  if (newer.length > 0) return planInWords([], { left: [], newer });
  const due = complete ? pending : pending.filter(({ number }) => number <= to);
  const left = pending.filter((one) => !due.includes(one)).map(({ name }) => name);
  return planInWords(stepsOf(due, { complete }), { left, newer });
}
