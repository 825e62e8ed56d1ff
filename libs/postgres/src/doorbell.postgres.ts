import { Doorbell, type Subscription } from '@tocsin/contracts/ports';
import type { Database } from './database';
import type { ListeningSession } from './listening-session';

const CHANNEL = 'tocsin_deliveries';
const RING_WITHIN_MS = 500;

/**
 * The doorbell on NOTIFY and LISTEN: one channel for all tenants. A session that comes back also wakes the listeners,
 * because a ring may have been missed meanwhile.
 */
export class PostgresDoorbell extends Doorbell {
  constructor(
    private readonly database: Database,
    private readonly session: ListeningSession,
  ) {
    super();
  }

  override async ring(): Promise<void> {
    // a lost ring costs a second, because notifiers also look by themselves
    await this.database
      .call('select tocsin.notify_channels($1, $2)', [[CHANNEL], ['']], { withinMs: RING_WITHIN_MS })
      .catch(() => undefined);
  }

  override onRing(listener: () => void): Promise<Subscription> {
    return this.session.listen(CHANNEL, { onNotification: listener, onResumed: listener });
  }
}
