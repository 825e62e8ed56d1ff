import type { PlannedDelivery } from '../delivery';
import type { TenantId } from '../tenant';
import type { AskedTime, Channel, Notification, NotificationStatus, Severity } from '../wire';

/** A notification to store, after validation. */
export interface NewNotification {
  tenant_id: TenantId;
  title: string;
  message: string | null;
  severity: Severity;
  channels: readonly Channel[];
  recipients: readonly string[];
  /** The deliveries that it becomes when it starts. Every channel and recipient is named. */
  deliveries: readonly { channel: Channel; recipient: NonNullable<PlannedDelivery['recipient']> }[];
  /** The instant at which it starts. Null means now. */
  due_at: string | null;
  asked_for: AskedTime | null;
  /** Notifications of one `group` within a window become one message, at the end of the window. */
  digest: { key: string; every_seconds: number; group: string } | null;
  /** The sender's key, and a hash of the body that came with it. */
  idempotency: { key: string; body_hash: string } | null;
  created_by: string;
}

export type CreatedNotification =
  /** `repeated`: the same body came before with the same key. */
  | { outcome: 'created' | 'repeated'; notification: Notification }
  /** Another body came before with this key. */
  | { outcome: 'conflict' };

/** A place in a list that is ordered by time. */
export interface TimePlace {
  created_at: string;
  id: string;
}

export interface NotificationQuery {
  status: NotificationStatus | null;
  /** Only notifications of this sender. */
  created_by: string | null;
  /** Only notifications after this place. */
  behind: TimePlace | null;
  /** 1 to 200. */
  limit: number;
}

/** One step of starting due notifications. */
export interface StartedNotifications {
  started: number;
  /** How many deliveries were made from them. */
  deliveries: number;
  /** Whether the tenants of this step may have more due notifications. */
  left_over: boolean;
  /** The next step continues after this tenant. Null means that this was the last one. */
  next: string | null;
  /** Those that were cancelled because the store refuses their deliveries. */
  refused: RefusedNotification[];
}

export interface RefusedNotification {
  tenant_id: TenantId;
  notification_id: string;
  /** Why, in the store's own code. */
  reason: string;
}

/** The notification after which the next step continues. */
export interface NotificationPlace {
  tenant_id: string;
  notification_id: string;
}

/**
 * Notifications: messages to people that a service or a user asks for, to be sent now or later.
 *
 * - A notification is stored when `create` returns, and nothing is sent before. One key of one sender in one tenant
 *   identifies one notification.
 * - A notification starts once, at its time or later, although several processes may call `start` at the same time. All
 *   its deliveries are made together. One step makes at most a few thousand of them.
 * - A notification whose deliveries the store refuses is cancelled (`ended_by`: `store_failed`). It holds up no other.
 * - A notification that was cancelled before its start is never sent. After the start, each delivery is cancelled
 *   unless its attempt has begun.
 * - A digest is a notification too. It gathers the notifications of its window, counts them and starts at the end of
 *   the window. Later ones go into a new digest. A crash loses none. What is cancelled before the end of the window is
 *   not told by it: neither its title nor its severity.
 * - The caller reaches only the notifications of `tenants`.
 *
 * Every method throws `Unavailable` (`log`) when the store is unreachable.
 */
export abstract class Notifications {
  abstract create(notification: NewNotification): Promise<CreatedNotification>;
  /** The notification of this sender with this key, with the hash of its body; undefined for a new key. */
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
  /** Returns the notification afterwards: `cancelled`, or unchanged when nothing of it could be cancelled. */
  abstract cancel(tenants: readonly TenantId[], notificationId: string, by: string): Promise<Notification | undefined>;
  /** Makes deliveries of due notifications, of some tenants after `behind` ('' at first), in turn. */
  abstract start(behind: string): Promise<StartedNotifications>;
  /** Ends started notifications whose deliveries are settled. It looks at some of them; null means the last ones. */
  abstract finish(behind: NotificationPlace | null): Promise<NotificationPlace | null>;
}
