import type { QueueDepth } from '@tocsin/contracts';
import type { QueueDepths } from '@tocsin/contracts/ports';
import type { Database } from './database';
import { MAX_WAITING } from './inbox.postgres';

const ANSWER_WITHIN_MS = 2_000;

/** Counts the inbox, which holds about 100,000 messages at most. A message is in it until it is settled. */
export class PostgresQueueDepths implements QueueDepths {
  constructor(private readonly database: Database) {}

  read(): Promise<QueueDepth[]> {
    return this.database.call<QueueDepth>('select * from tocsin.inbox_depth()', [], { withinMs: ANSWER_WITHIN_MS });
  }

  async isFull(): Promise<boolean> {
    return (await this.read()).reduce((sum, { messages }) => sum + messages, 0) >= MAX_WAITING;
  }
}
