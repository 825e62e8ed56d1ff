import type { ProcessState } from '../wire';

/** What a process says of itself. */
export type AnnouncedProcess = Pick<ProcessState, 'app' | 'version' | 'commit' | 'started_at'> & { instance: string };

/**
 * Which processes of this installation run, as far as they have said so. A process says so every 15 s.
 *
 * - One that has ended in order is gone at once; a crashed or cut off one stays for a day, with the time when it was
 *   last heard of, by the clock of the store.
 * - Every method throws `Unavailable` when the store is away or does not answer within 2 s.
 */
export abstract class ProcessDirectory {
  /** Says that the process runs. */
  abstract announce(process: AnnouncedProcess): Promise<void>;
  /** Says that the process has ended. */
  abstract leave(instance: string): Promise<void>;
  /** By app, the last heard of first; 100 at most. */
  abstract heard(): Promise<ProcessState[]>;
}
