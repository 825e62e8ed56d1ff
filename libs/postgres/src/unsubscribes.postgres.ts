import type { Subscriber, Unsubscribes } from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The table `unsubscribed`, which only functions may read and write. */
export class PostgresUnsubscribes implements Unsubscribes {
  constructor(private readonly database: Database) {}

  add(subscriber: Subscriber): Promise<void> {
    return this.set(subscriber, true);
  }

  remove(subscriber: Subscriber): Promise<void> {
    return this.set(subscriber, false);
  }

  async has({ tenant_id, channel, address }: Subscriber): Promise<boolean> {
    const [row] = await this.database.call<{ is_unsubscribed: boolean }>('select tocsin.is_unsubscribed($1, $2, $3)', [
      tenant_id,
      channel,
      address,
    ]);
    return row!.is_unsubscribed;
  }

  private async set({ tenant_id, channel, address }: Subscriber, wanted: boolean): Promise<void> {
    await this.database.call('select tocsin.set_unsubscribed($1, $2, $3, $4)', [tenant_id, channel, address, wanted]);
  }
}
