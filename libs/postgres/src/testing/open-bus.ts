import type { HintKey } from '@tocsin/contracts/ports';
import { createLogger, Metrics } from '@tocsin/observability';
import { Database } from '../database';
import { PostgresDoorbell } from '../doorbell.postgres';
import { PostgresEventBus } from '../event-bus.postgres';
import { ListeningSession } from '../listening-session';
import { PostgresStreamSlots } from '../stream-slots.postgres';
import { freshDatabase } from './fresh-database';

/** A database of its own, and buses and doorbells on it, each with a pool and a session of its own as a process has. */
export async function openBus() {
  const fresh = await freshDatabase();
  const closers: (() => Promise<void>)[] = [];
  const metrics = new Metrics({ version: 'test', commit: 'test', tenantLimit: 0 });

  /** `url` is the address of the session that listens, `poolUrl` that of the pool; by default the database's own. */
  const process = ({ url = fresh.url, poolUrl = fresh.url } = {}) => {
    const role = 'tocsin_standalone' as const;
    const database = new Database({ connection: { url: poolUrl }, role });
    const session = new ListeningSession({ connection: { url }, role, applicationName: 'tocsin test session' });
    closers.push(
      () => session.close(),
      () => database.close(),
    );
    return { database, session };
  };

  return {
    url: fresh.url,
    metrics,
    process,
    bus({
      hintKey,
      keptKey,
      ...addresses
    }: { url?: string; poolUrl?: string; hintKey?: string; keptKey?: HintKey } = {}): PostgresEventBus {
      const { database, session } = process(addresses);
      const key = hintKey ?? (keptKey ? undefined : 'the key of all tests, which is no secret');
      const log = createLogger({ app: 'test', level: 'silent' });
      return new PostgresEventBus({ hintKey: key, keptKey }, database, session, log, metrics);
    },
    doorbell(addresses: { url?: string; poolUrl?: string } = {}): PostgresDoorbell {
      const { database, session } = process(addresses);
      return new PostgresDoorbell(database, session);
    },
    slots({ poolUrl, lifetimeMs }: { poolUrl?: string; lifetimeMs?: number } = {}): PostgresStreamSlots {
      const slots = new PostgresStreamSlots(process({ poolUrl }).database, metrics, { lifetimeMs });
      closers.unshift(() => slots.close());
      return slots;
    },
    async close() {
      for (const close of closers) await close();
      await fresh.drop();
    },
  };
}
