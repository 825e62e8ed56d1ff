import type { NumberedMigration } from './migration-files';

/** A part of a migration. A transaction is committed as a whole; an online migration commits each statement. */
export interface MigrationStep {
  isOnline: boolean;
  /** In their order; one when `isOnline`. */
  migrations: NumberedMigration[];
  /** Whether the transaction also creates the functions and views anew. */
  functions: boolean;
}

/**
 * The steps that apply these migrations, in order. `complete`: all that this version has are applied afterwards, so the
 * functions of this version fit, and one of the steps creates them; without it none does.
 */
export function stepsOf(pending: readonly NumberedMigration[], { complete }: { complete: boolean }): MigrationStep[] {
  const steps: MigrationStep[] = [];
  for (const migration of inOrder(pending)) {
    const last = steps.at(-1);
    if (last && !last.isOnline && !migration.isOnline) last.migrations.push(migration);
    else steps.push({ isOnline: migration.isOnline, migrations: [migration], functions: false });
  }
  if (!complete) return steps;
  const last = steps.findLast(({ isOnline }) => !isOnline);
  if (last) last.functions = true;
  else steps.unshift({ isOnline: false, migrations: [], functions: true });
  return steps;
}

/**
 * Online migrations come last, behind the functions, unless a migration that needs them follows: they take minutes on a
 * large database, in which the functions of the version before would run on the tables of this one.
 */
function inOrder(pending: readonly NumberedMigration[]): NumberedMigration[] {
  const needing = pending.findLastIndex(({ needsOnline }) => needsOnline);
  const free = pending.slice(needing + 1);
  return [
    ...pending.slice(0, needing + 1),
    ...free.filter(({ isOnline }) => !isOnline),
    ...free.filter(({ isOnline }) => isOnline),
  ];
}
