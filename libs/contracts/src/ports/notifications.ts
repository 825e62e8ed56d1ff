import type { PlannedDelivery } from '../delivery';
import type { TenantId } from '../tenant';
import type { AskedTime, Channel, Notification, NotificationStatus, Severity } from '../wire';

/** A notification that is valid in itself. */
export interface NewNotification {
  tenant_id: TenantId;
  title: string;
  message: string | null;
  severity: Severity;
  channels: readonly Channel[];
  recipients: readonly string[];
  /** What it becomes when it starts. Every channel and recipient is named. */
  deliveries: readonly { channel: Channel; recipient: NonNullable<PlannedDelivery['recipient']> }[];
  /** The instant at which it starts; null: now. */
  due_at: string | null;
  asked_for: AskedTime | null;
  /** Notifications of one `group` within a window become one message, at the end of the window. */
  digest: { key: string; every_seconds: number; group: string } | null;
  /** The sender's key, and a hash of what was asked for under it. */
  idempotency: { key: string; body_hash: string } | null;
  created_by: string;
}

export type CreatedNotification =
  /** `repeated`: the same was asked for before under the same key. */
  | { outcome: 'created' | 'repeated'; notification: Notification }
  /** Something else was asked for under this key. */
  | { outcome: 'conflict' };

/** A place in a list that is ordered by time. */
export interface TimePlace {
  created_at: string;
  id: string;
}

export interface NotificationQuery {
  status: NotificationStatus | null;
  /** Only what this sender has asked for. */
  created_by: string | null;
  /** Only what stands behind this place. */
  behind: TimePlace | null;
  /** 1 to 200. */
  limit: number;
}

/** One step of starting what is due. */
export interface StartedNotifications {
  started: number;
  /** How many deliveries were made of them. */
  deliveries: number;
  /** More may be due of the tenants of this step. */
  left_over: boolean;
  /** The next step goes on behind this tenant; null: this was the last one. */
  next: string | null;
}

/** The notification behind which the next step goes on. */
export interface NotificationPlace {
  tenant_id: string;
  notification_id: string;
}

/**
 * Notifications: messages to people that somebody asks for, for now or for a time.
 *
 * - A notification is on record when `create` returns, and nothing is sent before. One key of one sender in one tenant
 *   stands for one notification.
 * - A notification is started once, by any of the processes that call `start` side by side, at its time or later. Its
 *   deliveries are then made all together, and no step holds more than a few thousand of them.
 * - What was cancelled before it was started is never sent. Of what was started, each delivery is either cancelled, or
 *   its attempt has begun before.
 * - A digest is a notification too. It gathers what is asked for within its window, counts it and starts at the end of
 *   the window. What comes after that gathers in a new one. A crash loses none.
 * - The caller reaches the notifications of `tenants` and no others.
 *
 * Every method throws `Unavailable` (`log`) when the store is away.
 */
export abstract class Notifications {
  abstract create(notification: NewNotification): Promise<CreatedNotification>;
  /** What this sender has asked for under a key, with the hash of that; undefined for a new key. */
  abstract ofKey(
    tenant: TenantId,
    createdBy: string,
    key: string,
  ): Promise<{ notification: Notification; body_hash: string } | undefined>;
  /** The newest first. */
  abstract list(tenants: readonly TenantId[], query: NotificationQuery): Promise<Notification[]>;
  abstract find(tenants: readonly TenantId[], notificationId: string): Promise<Notification | undefined>;
  /** The tenant of a notification that this sender has asked for; undefined for any other. */
  abstract tenantOf(notificationId: string, createdBy: string): Promise<TenantId | undefined>;
  /** Returns the notification as it is then: `cancelled`, or as it was when nothing of it could be taken back. */
  abstract cancel(tenants: readonly TenantId[], notificationId: string, by: string): Promise<Notification | undefined>;
  /** Makes deliveries of what is due, of some tenants behind `behind` ('' at first), each of them in its turn. */
  abstract start(behind: string): Promise<StartedNotifications>;
  /** Ends what is settled. Looks at some started notifications; null: those were the last ones. */
  abstract finish(behind: NotificationPlace | null): Promise<NotificationPlace | null>;
}
