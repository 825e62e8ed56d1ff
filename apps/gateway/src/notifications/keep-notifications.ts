import { requireScopes, type VerifiedToken } from '@tocsin/auth';
import {
  Refused,
  type CancelledNotification,
  type DeliveryStatus,
  type Notification,
  type NotificationDetail,
  type NotificationPage,
  type TenantId,
} from '@tocsin/contracts';
import type { Deliveries, Doorbell, NewNotification, Notifications } from '@tocsin/contracts/ports';
import { idsOf, tenantsAskedFor, type VisibleTenants } from '../access/visible-tenants';
import { refuseField } from '../request/json-object';
import { DEFAULT_PAGE } from '../request/list-parameters';
import { formatTimePlace, parseTimePlace, UUID } from '../request/time-place';
import { dueTimeOf } from './due-time';
import type { NotificationBody, NotificationsQuery } from './notification-body';
import { askedHashOf, digestGroupOf, planNotification } from './plan-notification';

const NOT_FOUND = 'There is no such notification.';
const NO_TENANT_OF_TOKEN = 'Not a tenant of this token.';

/**
 * Stores, shows and cancels notifications. A service (scope `events:publish`) may ask for notifications in the tenants
 * that it may publish for, and may read and cancel only its own. A user may ask and cancel in the tenants where the
 * user's role may act (`alerts:write`), and may read the notifications of all of the user's tenants (`alerts:read`).
 */
export class KeepNotifications {
  constructor(
    private readonly notifications: Notifications,
    private readonly deliveries: Deliveries,
    private readonly tenants: VisibleTenants,
    private readonly doorbell: Pick<Doorbell, 'ring'>,
  ) {}

  /**
   * Stores a notification. The same body with the same key gives the same notification, even if its time is over by
   * then. Throws `Refused`: the codes of `dueTimeOf` and `planNotification`, and `idempotency_conflict`,
   * `tenant_forbidden`, `role_forbidden`, `insufficient_scope`.
   */
  async create(token: VerifiedToken, body: NotificationBody, key: string | undefined): Promise<Notification> {
    await this.mayAskIn(token, body.tenant_id);
    const { tenant_id, title, message, severity, channels, recipients, digest } = body;
    const created_by = token.user_id;
    const body_hash = askedHashOf(body);
    if (key !== undefined) {
      const known = await this.notifications.ofKey(tenant_id, created_by, key);
      if (known && known.body_hash !== body_hash) throw conflict();
      if (known) return known.notification;
    }
    const deliveries = planNotification(channels, recipients);
    const asked: NewNotification = {
      tenant_id,
      title: title.trim(),
      message: message?.trim() || null,
      severity: severity ?? 'medium',
      channels,
      recipients: [...new Set(recipients)],
      deliveries,
      ...dueTimeOf(body),
      digest: digest ? { ...digest, group: digestGroupOf(digest, deliveries, created_by) } : null,
      idempotency: key === undefined ? null : { key, body_hash },
      created_by,
    };
    const created = await this.notifications.create(asked);
    if (created.outcome === 'conflict') throw conflict();
    if (asked.due_at === null && !digest) await this.doorbell.ring();
    return created.notification;
  }

  async page(
    token: VerifiedToken,
    { tenant, status, limit = DEFAULT_PAGE, after }: NotificationsQuery,
  ): Promise<NotificationPage> {
    const behind = after === undefined ? null : parseTimePlace(after);
    const { tenants, created_by } = await this.listedFor(token, tenant);
    const shown = created_by === null ? await this.tenants.addressesShownTo(token) : WHOLE;
    // one more than asked for, to know whether there is a next page
    const found = await this.notifications.list(tenants, {
      status: status ?? null,
      created_by,
      behind,
      limit: limit + 1,
    });
    const notifications = found.slice(0, limit).map((one) => withRecipients(one, shown));
    const last = notifications.at(-1);
    const next =
      last && found.length > limit ? formatTimePlace({ created_at: last.created_at, id: last.notification_id }) : null;
    return { notifications, next };
  }

  /** Throws `Refused` (`not_found`). */
  async one(token: VerifiedToken, id: string): Promise<NotificationDetail> {
    const { tenants, isOwn } = await this.reachOf(token, id, 'read');
    const notification = await this.notifications.find(tenants, id);
    if (!notification) throw new Refused('not_found', NOT_FOUND);
    const shown = isOwn ? WHOLE : await this.tenants.addressesShownTo(token);
    const deliveries = await this.deliveries.ofNotification(tenants, notification.notification_id);
    return {
      ...withRecipients(notification, shown),
      deliveries: deliveries.map((one) => ({ ...one, recipient: shown(one.tenant_id, one.recipient) })),
    };
  }

  /**
   * Cancels the deliveries that are not under way, and counts the others by their status. Repeating it changes nothing.
   * Throws `Refused`: `not_found`, `role_forbidden`.
   */
  async cancel(token: VerifiedToken, id: string): Promise<CancelledNotification> {
    const { tenants } = await this.reachOf(token, id, 'act');
    const notification = await this.notifications.cancel(tenants, id, token.user_id);
    if (!notification) throw new Refused('not_found', NOT_FOUND);
    const told = notification.status === 'gathered' ? notification.digest_id! : notification.notification_id;
    const deliveries = await this.deliveries.ofNotification(tenants, told);
    const count = (...statuses: DeliveryStatus[]) =>
      deliveries.filter(({ status }) => statuses.includes(status)).length;
    const [cancelled, sent, under_way] = [count('cancelled'), count('sent'), count('pending')];
    const other = deliveries.length - cancelled - sent - under_way;
    return { ...notification, counts: { cancelled, sent, under_way, other } };
  }

  private async mayAskIn(token: VerifiedToken, tenant: TenantId): Promise<void> {
    if (token.scopes.has('events:publish')) {
      if (!this.tenants.publisher(token)(tenant)) refuseField('/tenant_id', NO_TENANT_OF_TOKEN, 'tenant_forbidden');
      return;
    }
    requireScopes(token, ['alerts:write']);
    await this.tenants.actingIn(token, tenant, '/tenant_id');
  }

  /** The tenants whose notifications a list shows, and the sender if it shows only one sender's. */
  private async listedFor(
    token: VerifiedToken,
    asked: readonly string[] | undefined,
  ): Promise<{ tenants: readonly TenantId[]; created_by: string | null }> {
    if (token.scopes.has('events:publish') && !token.scopes.has('alerts:read') && asked) {
      const tenants = tenantsAskedFor(
        asked.map((tenant_id) => ({ tenant_id: tenant_id as TenantId })),
        asked,
      );
      const ofToken = this.tenants.publisher(token);
      const named = idsOf(tenants);
      if (!named.every(ofToken)) throw new Refused('tenant_forbidden', NO_TENANT_OF_TOKEN);
      return { tenants: named, created_by: token.user_id };
    }
    requireScopes(token, ['alerts:read']);
    const mine = tenantsAskedFor(await this.tenants.of(token), asked ?? null);
    return { tenants: idsOf(mine), created_by: null };
  }

  /** The tenants in which the caller may read the notification, or act on it. `isOwn`: the caller has asked for it. */
  private async reachOf(
    token: VerifiedToken,
    id: string,
    how: 'read' | 'act',
  ): Promise<{ tenants: readonly TenantId[]; isOwn: boolean }> {
    if (!UUID.test(id)) throw new Refused('not_found', NOT_FOUND);
    if (token.scopes.has('events:publish')) {
      const tenant = await this.notifications.tenantOf(id, token.user_id);
      if (tenant !== undefined && this.tenants.publisher(token)(tenant)) return { tenants: [tenant], isOwn: true };
      const isUser = token.scopes.has(how === 'act' ? 'alerts:write' : 'alerts:read');
      if (!isUser) throw new Refused('not_found', NOT_FOUND);
    }
    requireScopes(token, [how === 'act' ? 'alerts:write' : 'alerts:read']);
    const isIn = async (viewed: readonly TenantId[]) => (await this.notifications.find(viewed, id)) !== undefined;
    const tenants = how === 'read' ? idsOf(await this.tenants.of(token)) : await this.tenants.actingOn(token, isIn);
    return { tenants, isOwn: false };
  }
}

type ShownAddress = (tenant: string, address: string) => string;
/** A service sees the addresses that it has named itself. */
const WHOLE: ShownAddress = (_tenant, address) => address;

const withRecipients = (notification: Notification, shown: ShownAddress): Notification => ({
  ...notification,
  recipients: notification.recipients.map((recipient) => shown(notification.tenant_id, recipient)),
});

const conflict = () =>
  new Refused('idempotency_conflict', 'This key was used with another body. Use another key for this notification.');
