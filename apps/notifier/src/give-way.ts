import { getPriority, setPriority } from 'node:os';

/**
 * Lowers the priority of this process (on Linux: of its main thread, which does nearly all of its work) to a nice
 * value. Where it is lower already it stays. Returns a warning when the system refuses.
 */
export function giveWay(nice: number): string | undefined {
  if (nice <= getPriority()) return undefined;
  try {
    setPriority(nice);
    return undefined;
  } catch (error) {
    return `NOTIFIER_NICE: the system does not let the process lower its priority (${(error as NodeJS.ErrnoException).code})`;
  }
}
