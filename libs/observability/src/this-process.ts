import { randomUUID } from 'node:crypto';
import { version } from './version';

/** What a process says of itself to others. */
export class ThisProcess {
  readonly instance = randomUUID();
  readonly version = version;
  readonly started_at = new Date(Date.now() - process.uptime() * 1_000).toISOString();

  /** What is weak about its settings, as it said at its start: English sentences. */
  weaknesses: readonly string[] = [];

  constructor(
    /** Which app this is: `gateway`, `alert-processor`, … */
    readonly app: string,
    readonly commit: string,
  ) {}
}
