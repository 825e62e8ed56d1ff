import {
  Refused,
  type Alert,
  type AlertGroupPage,
  type AlertPage,
  type AlertStats,
  type EntryPage,
  type TenantId,
  type TenantStatsPage,
} from '@tocsin/contracts';
import type { AlertQueries, EventLog, HistoryQuery, StatsQuery } from '@tocsin/contracts/ports';
import type { VerifiedToken } from '@tocsin/auth';
import { idsOf, MAX_TENANTS, tenantsAskedFor, type VisibleTenants } from '../access/visible-tenants';
import { formatCursor } from '../positions/cursor';
import { isAlertId } from './act-body';
import type { TenantChoice } from './alert-filter';
import type { AlertSearchRequest } from './alert-search';
import { formatGroupPlace } from './group-cursor';
import type { AlertGroupsRequest } from './groups-query';
import { formatPlace } from './page-cursor';

type Membership = Awaited<ReturnType<VisibleTenants['of']>>[number];
const askedFor = (mine: readonly Membership[], { named, excluded }: TenantChoice): TenantId[] =>
  idsOf(tenantsAskedFor(mine, named, excluded));
const HOUR_MS = 3_600_000;
/** How many hours the chart of a tenant has. */
const HOURS = 24;

/**
 * Finds the alerts that the caller may see. Every list carries the position of the event logs from before it was read.
 * Changes before that position are in the list; a stream from that position brings all later ones. For a change that is
 * in both, the alert's `last_seq` tells so.
 */
export class FindAlerts {
  constructor(
    private readonly queries: AlertQueries,
    private readonly log: Pick<EventLog, 'heads'>,
    private readonly tenants: VisibleTenants,
  ) {}

  async page(right: VerifiedToken, { tenants, query, facets, digest }: AlertSearchRequest): Promise<AlertPage> {
    const mine = await this.tenants.of(right);
    const asked = askedFor(mine, tenants);
    const cursor = await this.positionOf(asked, mine);
    const others = mine.length > MAX_TENANTS ? asked : idsOf(mine);
    const [{ alerts, end, searched }, counts] = await Promise.all([
      this.queries.list(asked, query),
      facets ? this.queries.facets(others, asked, query) : undefined,
    ]);
    return {
      alerts,
      next: end && formatPlace(end, digest),
      cursor,
      ...(counts && { facets: counts }),
      ...(searched && { searched }),
    };
  }

  async groups(right: VerifiedToken, { tenants, query, digest }: AlertGroupsRequest): Promise<AlertGroupPage> {
    const mine = await this.tenants.of(right);
    const asked = askedFor(mine, tenants);
    const cursor = await this.positionOf(asked, mine);
    const { groups, end, complete } = await this.queries.groups(asked, query);
    return { groups, next: end && formatGroupPlace(end, digest), complete, cursor };
  }

  /**
   * Throws `Refused` (`not_found`) when the alert does not exist, belongs to a tenant that is not the user's, or when
   * the id is malformed.
   */
  async one(right: VerifiedToken, alertId: string): Promise<Alert> {
    const mine = idsOf(await this.tenants.of(right));
    const [alert] = isAlertId(alertId) ? await this.queries.find(mine, [alertId]) : [];
    if (!alert) throw new Refused('not_found', 'There is no such alert.');
    return alert;
  }

  async history(right: VerifiedToken, alertId: string, query: HistoryQuery): Promise<EntryPage> {
    const { tenant_id, alert_id } = await this.one(right, alertId);
    const tenant = tenant_id as TenantId;
    const cursor = await this.positionOf([tenant]);
    const { entries, more } = await this.queries.history(tenant, alert_id, query);
    return { events: entries, next: more ? String(entries.at(-1)!.seq) : null, cursor };
  }

  async stats(right: VerifiedToken, tenants: TenantChoice, query: StatsQuery): Promise<AlertStats> {
    const mine = await this.tenants.of(right);
    const asked = askedFor(mine, tenants);
    const cursor = await this.positionOf(asked, mine);
    return { ...(await this.queries.stats(asked, query)), cursor };
  }

  /** The numbers of each tenant, over the `HOURS` whole hours of which the last is under way at `now`. */
  async tenantStats(right: VerifiedToken, tenants: readonly string[] | null, now: Date): Promise<TenantStatsPage> {
    const asked = idsOf(tenantsAskedFor(await this.tenants.of(right), tenants));
    const cursor = await this.positionOf(asked);
    // whole hours, so that a bucket does not change while nothing happens
    const from = new Date((Math.floor(now.getTime() / HOUR_MS) + 1 - HOURS) * HOUR_MS);
    const bucketSeconds = HOUR_MS / 1000;
    const counted = await this.queries.tenantStats(asked, { from, buckets: HOURS, bucketSeconds });
    return { ...counted, from: from.toISOString(), bucket_seconds: bucketSeconds, cursor };
  }

  /**
   * The position in `tenants`; if the caller excludes all of them, in one of those that are `mine`: none has no
   * position.
   */
  private async positionOf(tenants: readonly TenantId[], mine: readonly Membership[] = []): Promise<string> {
    const heads = await this.log.heads(tenants.length > 0 ? tenants : idsOf(mine.slice(0, 1)));
    return formatCursor(new Map(heads.map(({ tenant_id, epoch, seq, fp }) => [tenant_id, { epoch, seq, fp }])));
  }
}
