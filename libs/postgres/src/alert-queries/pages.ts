import type { EntityManager } from 'typeorm';
import type { Alert, Severity, TenantId } from '@tocsin/contracts';
import type { AlertListQuery, ListedAlerts } from '@tocsin/contracts/ports';
import * as statements from '../alert-statements';
import type { AlertBounds } from './bounds';
import { conditionsOf, groupsOf, matchOf, walkOf } from './walk';

export async function listAll(
  manager: EntityManager,
  tenants: readonly TenantId[],
  query: AlertListQuery,
): Promise<ListedAlerts> {
  const { direction, severities, places } = walkOf(query);
  const parameters = [...groupsOf(tenants, { ...query, severity: severities }), ...places, query.limit + 1];
  return {
    ...pageOf(await manager.query<Alert[]>(statements.pageStatement(direction), parameters), query.limit),
    searched: null,
  };
}

interface ReachedColumns {
  reached_severity: Severity | null;
  reached_at: string;
  reached_id: string;
}

export async function listMatching(
  manager: EntityManager,
  tenants: readonly TenantId[],
  query: AlertListQuery,
  bounds: AlertBounds,
): Promise<ListedAlerts> {
  const { direction, severities, places } = walkOf(query);
  const asked = { ...query, severity: severities };
  const atMost = query.limit + 1;
  const parameters = [
    ...groupsOf(tenants, asked),
    ...places,
    ...conditionsOf(query),
    ...matchOf(tenants, asked, bounds, atMost),
    atMost,
  ];
  const found = await manager.query<(Alert & ReachedColumns)[]>(
    statements.matchingPageStatement(direction),
    parameters,
  );
  const { reached_severity: severity, reached_at: first_seen_at, reached_id: alert_id } = found[0]!;
  // when nothing matches, there is still one row, which tells what was reached
  const matching = found
    .filter((row) => row.alert_id !== null)
    .map(({ reached_severity, reached_at, reached_id, ...alert }): Alert => alert);
  const { alerts, end } = pageOf(matching, query.limit);
  const reached = end ?? (severity && { severity, first_seen_at, alert_id });
  return { alerts, end: reached, searched: { reached, complete: reached === null } };
}

function pageOf(rows: readonly Alert[], limit: number): Pick<ListedAlerts, 'alerts' | 'end'> {
  const alerts = rows.slice(0, limit);
  const last = alerts.at(-1);
  return {
    alerts,
    end:
      last && rows.length > limit
        ? { severity: last.severity, first_seen_at: last.first_seen_at, alert_id: last.alert_id }
        : null,
  };
}
