import { functionFiles, type MigrationReport, type MigrationState, type MigrationStep } from '@tocsin/postgres';

/** What was migrated, or how far a database is: lines for a person, and the same as a JSON value. */
export interface Told {
  lines: string[];
  json: object;
}

/** "1 migration applied: 0001 the log · 9 functions" */
export function appliedInWords({ applied, functions, left, newer }: MigrationReport): Told {
  const json = { applied, functions: functions.length, left, unknown: newer };
  if (newer.length > 0) return { lines: [`${byANewer(newer)}: nothing was changed`], json };
  const none = left.length === 0 ? 'up to date, no migration to apply' : 'no migration to apply';
  const migrations = applied.length === 0 ? none : `${counted(applied)} applied: ${named(applied)}`;
  return {
    lines: [left.length === 0 ? `${migrations} · ${functions.length} functions` : `${migrations} · ${leftOut(left)}`],
    json,
  };
}

const byANewer = (names: readonly string[]) => `A newer version has migrated this database (${named(names)})`;

const leftOut = (left: readonly string[]) => `${counted(left)} left out, and the functions as they were`;

/** Whether the database has all that this version needs. */
export const isUpToDate = ({ pending, databaseVersion, version }: MigrationState): boolean =>
  pending.length === 0 && databaseVersion !== null && databaseVersion >= version;

export function stateInWords(state: MigrationState): Told {
  const { version, databaseVersion, applied, pending, unknown, underWay } = state;
  const has =
    applied.length === 0
      ? 'The database was never migrated'
      : `The database is migrated to ${databaseVersion ?? applied.at(-1)!.slice(0, 4)}`;
  const needs = isUpToDate(state) ? 'nothing is to be done' : 'run migrate';
  return {
    lines: [
      `${has}, this version needs ${version}: ${needs}.`,
      ...(pending.length > 0 ? [`${counted(pending)} to apply:`] : []),
      ...pending.map(({ name, isOnline }) => `  ${spaced(name)}${isOnline ? ' (online)' : ''}`),
      ...(unknown.length > 0 ? [`A newer version has migrated it: ${named(unknown)}.`] : []),
      ...(underWay ? ['A migration is under way.'] : []),
    ],
    json: {
      version,
      database_version: databaseVersion,
      up_to_date: isUpToDate(state),
      applied,
      pending: pending.map(({ name, isOnline }) => ({ name, online: isOnline })),
      unknown,
      under_way: underWay,
    },
  };
}

/** What `migrate` would do. `newer`: the migrations of a newer version that have run; with any, there are no steps. */
export function planInWords(
  steps: readonly MigrationStep[],
  { left, newer }: { left: readonly string[]; newer: readonly string[] },
): Told {
  const functions = functionFiles().length;
  const lines = steps.map((step, at) => {
    const parts = [
      ...(step.migrations.length > 0 ? [named(step.migrations.map(({ name }) => name))] : []),
      ...(step.functions ? [`${functions} functions and their views anew`] : []),
    ];
    return `${at + 1}. ${step.isOnline ? 'online, each statement by itself' : 'in one transaction'}: ${parts.join(', ')}`;
  });
  return {
    lines: [
      steps.length === 0 ? 'Nothing would run.' : 'This would run, and nothing has:',
      ...lines,
      ...(left.length > 0 ? [`${leftOut(left)}: ${named(left)}`] : []),
      ...(newer.length > 0 ? [`${byANewer(newer)}: it stays as it is.`] : []),
    ],
    json: {
      dry_run: true,
      steps: steps.map((step) => ({
        online: step.isOnline,
        migrations: step.migrations.map(({ name }) => name),
        functions: step.functions ? functions : 0,
      })),
      left,
      unknown: newer,
    },
  };
}

const counted = (list: readonly unknown[]) => `${list.length} ${list.length === 1 ? 'migration' : 'migrations'}`;
const spaced = (name: string) => name.replaceAll('-', ' ');
const named = (names: readonly string[]) => names.map(spaced).join(', ');
