import type { EntityManager } from 'typeorm';
import type { Alert, AlertPlace, ListOrder, Severity, TenantId } from '@tocsin/contracts';
import type { AlertListQuery, ListedAlerts } from '@tocsin/contracts/ports';
import * as statements from '../alert-statements';
import type { AlertBounds } from './bounds';
import { conditionsOf, groupsOf, matchOf, walkOf } from './walk';

export async function listAll(
  manager: EntityManager,
  tenants: readonly TenantId[],
  query: AlertListQuery,
): Promise<ListedAlerts> {
  const { walk, severities, places } = walkOf(query);
  const parameters = [...groupsOf(tenants, { ...query, severity: severities }), ...places, query.limit + 1];
  return {
    ...pageOf(await manager.query<Alert[]>(statements.pageStatement(walk), parameters), query),
    searched: null,
  };
}

interface ReachedColumns {
  reached_severity: Severity | null;
  reached_seen_at: string;
  /** The time that the list is sorted by. */
  reached_at: string;
  reached_id: string;
}

export async function listMatching(
  manager: EntityManager,
  tenants: readonly TenantId[],
  query: AlertListQuery,
  bounds: AlertBounds,
): Promise<ListedAlerts> {
  const { walk, severities, places } = walkOf(query);
  const asked = { ...query, severity: severities };
  const atMost = query.limit + 1;
  const parameters = [
    ...groupsOf(tenants, asked),
    ...places,
    ...conditionsOf(query),
    ...matchOf(tenants, asked, bounds, atMost),
    atMost,
  ];
  const found = await manager.query<(Alert & ReachedColumns)[]>(statements.matchingPageStatement(walk), parameters);
  const { reached_severity, reached_seen_at, reached_at, reached_id } = found[0]!;
  // when nothing matches, there is still one row, which tells what was reached
  const matching = found
    .filter((row) => row.alert_id !== null)
    .map(({ reached_severity, reached_seen_at, reached_at, reached_id, ...alert }): Alert => alert);
  const { alerts, end } = pageOf(matching, query);
  const reached =
    end ??
    (reached_severity &&
      placeIn(query.order, {
        severity: reached_severity,
        first_seen_at: reached_seen_at,
        resolved_at: reached_at,
        alert_id: reached_id,
      }));
  return { alerts, end: reached, searched: { reached, complete: reached === null } };
}

function pageOf(
  rows: readonly Alert[],
  { limit, order }: Pick<AlertListQuery, 'limit' | 'order'>,
): Pick<ListedAlerts, 'alerts' | 'end'> {
  const alerts = rows.slice(0, limit);
  const last = alerts.at(-1);
  return { alerts, end: last && rows.length > limit ? placeIn(order, last) : null };
}

/** The place of an alert in a list of this order. */
const placeIn = (
  order: ListOrder,
  { severity, first_seen_at, resolved_at, alert_id }: Pick<Alert, keyof AlertPlace>,
): AlertPlace => ({ severity, first_seen_at, alert_id, ...(order === 'resolved' && { resolved_at }) });
