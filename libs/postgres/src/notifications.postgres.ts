import type { Notification, TenantId } from '@tocsin/contracts';
import type {
  CreatedNotification,
  NewNotification,
  NotificationPlace,
  NotificationQuery,
  Notifications,
  StartedNotifications,
} from '@tocsin/contracts/ports';
import type { Database } from './database';

/** The most tenants of one step of a start. Each costs an index lookup. */
const TENANTS_AT_ONCE = 500;
/** The most notifications and deliveries that one step starts, in a transaction of some ten milliseconds. */
const STARTED_AT_ONCE = 250;
const DELIVERIES_AT_ONCE = 500;
const FINISHED_AT_ONCE = 1_000;

/** Notifications as database functions: each method is one call, and so one round trip and one commit. */
export class PostgresNotifications implements Notifications {
  constructor(private readonly database: Database) {}

  async create(notification: NewNotification): Promise<CreatedNotification> {
    const { tenant_id, deliveries, digest, idempotency, ...said } = notification;
    const row = {
      ...said,
      to_channels: deliveries.map(({ channel }) => channel),
      to_recipients: deliveries.map(({ recipient }) => recipient),
      ...(digest && { digest_key: digest.key, digest_every: digest.every_seconds, digest_group: digest.group }),
      ...(idempotency && { idempotency_key: idempotency.key, body_hash: idempotency.body_hash }),
    };
    const [created] = await this.database.call<{
      outcome: 'created' | 'repeated' | 'conflict';
      notification_id: string;
    }>('select * from tocsin.create_notification($1, $2)', [tenant_id, JSON.stringify(row)]);
    const { outcome, notification_id } = created!;
    if (outcome === 'conflict') return { outcome };
    return { outcome, notification: (await this.find([tenant_id], notification_id))! };
  }

  async ofKey(
    tenant: TenantId,
    createdBy: string,
    key: string,
  ): Promise<{ notification: Notification; body_hash: string } | undefined> {
    const [known] = await this.database.call<{ notification_id: string; body_hash: string }>(
      'select * from tocsin.notification_of_key($1, $2, $3)',
      [tenant, createdBy, key],
    );
    const notification = known && (await this.find([tenant], known.notification_id));
    return notification && { notification, body_hash: known.body_hash };
  }

  list(
    tenants: readonly TenantId[],
    { status, created_by, behind, limit }: NotificationQuery,
  ): Promise<Notification[]> {
    return this.database.call<Notification>('select * from tocsin.read_notifications($1, $2, $3, $4, $5, $6)', [
      tenants,
      status,
      created_by,
      behind?.created_at ?? null,
      behind?.id ?? null,
      limit,
    ]);
  }

  async find(tenants: readonly TenantId[], notificationId: string): Promise<Notification | undefined> {
    const [found] = await this.database.call<Notification>('select * from tocsin.find_notification($1, $2)', [
      tenants,
      notificationId,
    ]);
    return found;
  }

  async tenantOf(notificationId: string, createdBy: string): Promise<TenantId | undefined> {
    const [row] = await this.database.call<{ tenant_id: TenantId | null }>(
      'select tocsin.tenant_of_notification($1, $2) as tenant_id',
      [notificationId, createdBy],
    );
    return row?.tenant_id ?? undefined;
  }

  async cancel(tenants: readonly TenantId[], notificationId: string, by: string): Promise<Notification | undefined> {
    const [cancelled] = await this.database.call<Notification>('select * from tocsin.cancel_notification($1, $2, $3)', [
      tenants,
      notificationId,
      by,
    ]);
    return cancelled;
  }

  async start(behind: string): Promise<StartedNotifications> {
    const [step] = await this.database.call<StartedNotifications>(
      'select * from tocsin.start_notifications($1, $2, $3, $4)',
      [behind, TENANTS_AT_ONCE, STARTED_AT_ONCE, DELIVERIES_AT_ONCE],
    );
    return step!;
  }

  async finish(behind: NotificationPlace | null): Promise<NotificationPlace | null> {
    const [last] = await this.database.call<NotificationPlace>(
      'select * from tocsin.finish_notifications($1, $2, $3)',
      [behind?.tenant_id ?? '', behind?.notification_id ?? '00000000-0000-0000-0000-000000000000', FINISHED_AT_ONCE],
    );
    return last ?? null;
  }
}
