import { requireScopes, type VerifiedToken } from '@tocsin/auth';
import { Refused, type Delivery, type DeliveryPage, type Redriven, type TenantId } from '@tocsin/contracts';
import {
  REDRIVABLE,
  type AlertQueries,
  type Deliveries,
  type Doorbell,
  type Redrivable,
} from '@tocsin/contracts/ports';
import { idsOf, tenantForbidden, type VisibleTenants } from '../access/visible-tenants';
import { DEFAULT_PAGE } from '../request/list-parameters';
import { formatTimePlace, parseTimePlace, UUID } from '../request/time-place';
import { MAX_AT_ONCE, sinceOf, type DeliveriesQuery, type RedriveManyBody } from './delivery-fields';

const NOT_FOUND = 'There is no such delivery.';

/**
 * Shows deliveries, redrives dead ones and cancels those that wait. A user reads the deliveries of the user's tenants
 * (`alerts:read`), and redrives and cancels them where the user's role may act (`alerts:write`). An operator
 * (`dead_letters:operate`) names the tenant.
 */
export class KeepDeliveries {
  constructor(
    private readonly deliveries: Deliveries,
    private readonly alerts: Pick<AlertQueries, 'find'>,
    private readonly tenants: VisibleTenants,
    private readonly doorbell: Pick<Doorbell, 'ring'>,
  ) {}

  /** Throws `Refused` (`not_found`) when the user sees no such alert. */
  async ofAlert(token: VerifiedToken, alertId: string): Promise<{ deliveries: Delivery[] }> {
    const mine = idsOf(await this.tenants.of(token));
    const [alert] = UUID.test(alertId) ? await this.alerts.find(mine, [alertId]) : [];
    if (!alert) throw new Refused('not_found', 'There is no such alert.');
    const deliveries = await this.deliveries.ofAlert([alert.tenant_id as TenantId], alert.alert_id);
    return { deliveries: deliveries.map(await this.shownTo(token)) };
  }

  async page(token: VerifiedToken, query: DeliveriesQuery): Promise<DeliveryPage> {
    const { tenant, status, channel, since, limit = DEFAULT_PAGE, after } = query;
    const behind = after === undefined ? null : parseTimePlace(after);
    const reach = await this.reachOf(token, 'read', tenant);
    const { deliveries, reached } = await this.deliveries.list(reach[0]!, {
      statuses: status ?? null,
      channel: channel ?? null,
      since: sinceOf(since),
      behind,
      limit,
    });
    return { deliveries: deliveries.map(await this.shownTo(token, tenant)), next: reached && formatTimePlace(reached) };
  }

  /** Throws `Refused` (`not_found`). */
  async one(token: VerifiedToken, id: string, tenant: string | undefined): Promise<Delivery> {
    const delivery = await this.find(await this.reachOf(token, 'read', tenant), id);
    return (await this.shownTo(token, tenant))(delivery);
  }

  /**
   * Sends a dead delivery again. Repeating it while the delivery waits changes nothing. Throws `Refused`: `not_found`,
   * `role_forbidden`, `delivery_conflict` when it was sent or cancelled, or may have been sent and `mayRepeat` is
   * false.
   */
  async redrive(token: VerifiedToken, id: string, tenant: string | undefined, mayRepeat: boolean): Promise<Delivery> {
    const reach = await this.actingReachOf(token, id, tenant);
    const before = await this.find(reach, id);
    if (before.status === 'unknown' && !mayRepeat)
      throw new Refused(
        'delivery_conflict',
        'It may have been sent already, and its recipient could get it twice. Say "may_repeat": true for that.',
      );
    if (before.status === 'pending') return before;
    if (!(REDRIVABLE as readonly string[]).includes(before.status))
      throw new Refused('delivery_conflict', `The delivery is ${before.status}: it is not sent again.`);
    await this.deliveries.redrive(reach, [id], [before.status as Redrivable]);
    await this.doorbell.ring();
    return this.find(reach, id);
  }

  /**
   * Sends dead deliveries of one status again, the newest first. Throws `Refused`: `tenant_forbidden`,
   * `role_forbidden`, `delivery_conflict` for `unknown` without `may_repeat`.
   */
  async redriveMany(token: VerifiedToken, body: RedriveManyBody): Promise<Redriven> {
    const { tenant, status, channel, since, may_repeat = false, limit = MAX_AT_ONCE, after } = body;
    if (status === 'unknown' && !may_repeat)
      throw new Refused(
        'delivery_conflict',
        'They may have been sent already, and their recipients could get them twice. Say "may_repeat": true for that.',
      );
    const behind = after === undefined ? null : parseTimePlace(after);
    const [of] = await this.reachOf(token, 'act', tenant);
    const found = await this.deliveries.list(of!, {
      statuses: [status],
      channel: channel ?? null,
      since: sinceOf(since),
      behind,
      limit,
    });
    const ids = found.deliveries.map(({ delivery_id }) => delivery_id);
    const redriven = await this.deliveries.redrive([of!], ids, [status]);
    if (redriven.length > 0) await this.doorbell.ring();
    return { redriven: redriven.length, next: found.reached && formatTimePlace(found.reached) };
  }

  /**
   * Cancels a delivery that waits. Repeating it changes nothing. Throws `Refused`: `not_found`, `role_forbidden`,
   * `delivery_conflict` when it is under way or over.
   */
  async cancel(token: VerifiedToken, id: string, tenant: string | undefined): Promise<Delivery> {
    const reach = await this.actingReachOf(token, id, tenant);
    const isCancelled = await this.deliveries.cancel(reach, UUID.test(id) ? id : notFound());
    const delivery = await this.find(reach, id);
    if (isCancelled || delivery.status === 'cancelled') return delivery;
    throw new Refused(
      'delivery_conflict',
      delivery.status === 'pending' ? 'An attempt is under way.' : `The delivery is ${delivery.status}.`,
    );
  }

  private async find(reach: readonly TenantId[], id: string): Promise<Delivery> {
    return (UUID.test(id) ? await this.deliveries.find(reach, id) : undefined) ?? notFound();
  }

  /** How the caller sees deliveries: an operator may act on them, and so sees every address whole. */
  private async shownTo(token: VerifiedToken, tenant?: string): Promise<(delivery: Delivery) => Delivery> {
    if (isOperator(token, tenant)) return (delivery) => delivery;
    const shown = await this.tenants.addressesShownTo(token);
    return (delivery) => ({ ...delivery, recipient: shown(delivery.tenant_id, delivery.recipient) });
  }

  /** The tenants in which the caller may act on this delivery. */
  private async actingReachOf(
    token: VerifiedToken,
    id: string,
    tenant: string | undefined,
  ): Promise<readonly TenantId[]> {
    if (tenant !== undefined) return this.reachOf(token, 'act', tenant);
    requireScopes(token, ['alerts:write']);
    if (!UUID.test(id)) notFound();
    return this.tenants.actingOn(token, async (viewed) => (await this.deliveries.find(viewed, id)) !== undefined);
  }

  private async reachOf(
    token: VerifiedToken,
    how: 'read' | 'act',
    tenant: string | undefined,
  ): Promise<readonly TenantId[]> {
    if (isOperator(token, tenant)) {
      if (this.tenants.revokedFrom(token).has(tenant as TenantId)) throw tenantForbidden();
      return [tenant as TenantId];
    }
    requireScopes(token, [how === 'act' ? 'alerts:write' : 'alerts:read']);
    if (tenant === undefined) return idsOf(await this.tenants.of(token));
    return idsOf([await (how === 'act' ? this.tenants.actingIn(token, tenant) : this.tenants.in(token, tenant))]);
  }
}

/** Whether the caller has the deliveries of this tenant as an operator, whatever the caller's own tenants are. */
const isOperator = (token: VerifiedToken, tenant: string | undefined): tenant is string =>
  tenant !== undefined && token.scopes.has('dead_letters:operate');

function notFound(): never {
  throw new Refused('not_found', NOT_FOUND);
}
