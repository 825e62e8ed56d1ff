import type { Log } from './logger';

/** What an operator should know of a configuration that is allowed. */
export interface StartReport {
  /** What is switched on, each in a few words. */
  enabled: readonly string[];
  /** What is allowed but weak, or probably not meant: a sentence each, with the setting to change. */
  warnings: readonly string[];
}

/** `12 enabled, 1 warning`. */
export const countsOf = ({ enabled, warnings }: StartReport): string =>
  `${enabled.length} enabled, ${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`;

/** Logs the report of a start in one line, which is a warning when it has any. */
export function tellStart(log: Log, report: StartReport): void {
  const { enabled, warnings } = report;
  log[warnings.length > 0 ? 'warn' : 'info']({ enabled, warnings }, countsOf(report));
}
