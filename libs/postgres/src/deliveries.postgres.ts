import type { Delivery, TenantId } from '@tocsin/contracts';
import type { Deliveries, DeliveriesQuery, FoundDeliveries, Redrivable } from '@tocsin/contracts/ports';
import { instantOf } from './column-values';
import type { Database } from './database';

/** The most deliveries that one page looks at, which takes some tens of milliseconds. */
const LOOKED_AT = 10_000;

/**
 * Deliveries in the tables `delivery`, `delivery_due` and `delivery_attempt`, which only functions may read and write.
 */
export class PostgresDeliveries implements Deliveries {
  constructor(private readonly database: Database) {}

  ofAlert(tenants: readonly TenantId[], alertId: string): Promise<Delivery[]> {
    return this.read(tenants, alertId, null, null);
  }

  ofNotification(tenants: readonly TenantId[], notificationId: string): Promise<Delivery[]> {
    return this.read(tenants, null, notificationId, null);
  }

  async find(tenants: readonly TenantId[], deliveryId: string): Promise<Delivery | undefined> {
    return (await this.read(tenants, null, null, deliveryId))[0];
  }

  async list(tenant: TenantId, { statuses, channel, since, behind, limit }: DeliveriesQuery): Promise<FoundDeliveries> {
    const [found] = await this.database.call<{
      deliveries: Delivery[];
      last_at: string | null;
      last_id: string | null;
    }>('select * from tocsin.read_deliveries($1, $2, $3, $4, $5, $6, $7, $8)', [
      tenant,
      statuses,
      channel,
      since,
      behind?.created_at ?? null,
      behind?.id ?? null,
      limit,
      LOOKED_AT,
    ]);
    const { deliveries, last_at, last_id } = found!;
    return {
      deliveries: deliveries.map(asSent),
      reached: last_at !== null && last_id !== null ? { created_at: last_at, id: last_id } : null,
    };
  }

  async redrive(
    tenants: readonly TenantId[],
    deliveryIds: readonly string[],
    statuses: readonly Redrivable[],
  ): Promise<string[]> {
    if (deliveryIds.length === 0) return [];
    const rows = await this.database.call<{ delivery_id: string }>(
      'select * from tocsin.redrive_deliveries($1, $2, $3)',
      [tenants, deliveryIds, statuses],
    );
    return rows.map(({ delivery_id }) => delivery_id);
  }

  async cancel(tenants: readonly TenantId[], deliveryId: string): Promise<boolean> {
    const [row] = await this.database.call<{ cancelled: boolean }>(
      'select tocsin.cancel_delivery($1, $2) as cancelled',
      [tenants, deliveryId],
    );
    return row!.cancelled;
  }

  private async read(
    tenants: readonly TenantId[],
    alertId: string | null,
    notificationId: string | null,
    deliveryId: string | null,
  ): Promise<Delivery[]> {
    const rows = await this.database.call<Delivery>('select * from tocsin.find_deliveries($1, $2, $3, $4)', [
      tenants,
      alertId,
      notificationId,
      deliveryId,
    ]);
    return rows.map(asSent);
  }
}

/** Times within JSON, and those of rows that came as JSON, are in PostgreSQL's own form. */
const asSent = ({ created_at, due_at, settled_at, provider_status_at, attempts, ...delivery }: Delivery): Delivery => ({
  ...delivery,
  created_at: sentTime(created_at)!,
  due_at: sentTime(due_at),
  settled_at: sentTime(settled_at),
  provider_status_at: sentTime(provider_status_at),
  attempts: attempts.map((attempt) => ({
    ...attempt,
    begun_at: sentTime(attempt.begun_at)!,
    ended_at: sentTime(attempt.ended_at),
  })),
});

/** `2026-01-02T03:04:05.6+00:00` as `2026-01-02T03:04:05.600Z`. */
const sentTime = (text: string | null): string | null => (text === null ? null : instantOf(text));
