import type { ProcessState } from '@tocsin/contracts';
import type { AnnouncedProcess, ProcessDirectory } from '@tocsin/contracts/ports';
import type { Database } from './database';

const OPTIONS = { withinMs: 2_000 };

/** Processes in the table `running_process`: every process of an installation has the database in common. */
export class PostgresProcessDirectory implements ProcessDirectory {
  constructor(private readonly database: Database) {}

  async announce({ instance, app, version, commit, started_at }: AnnouncedProcess): Promise<void> {
    const said = [instance, app, version, commit, started_at];
    await this.database.call('select tocsin.announce_process($1, $2, $3, $4, $5)', said, OPTIONS);
  }

  async leave(instance: string): Promise<void> {
    await this.database.call('select tocsin.forget_process($1)', [instance], OPTIONS);
  }

  heard(): Promise<ProcessState[]> {
    return this.database.call<ProcessState>('select * from tocsin.heard_processes()', [], OPTIONS);
  }
}
