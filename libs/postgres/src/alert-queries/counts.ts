import type { EntityManager } from 'typeorm';
import { ALERT_STATUSES, type AlertStatus, type AlertType, type Severity, type TenantId } from '@tocsin/contracts';
import type { AlertSelection } from '@tocsin/contracts/ports';
import * as statements from '../alert-statements';
import type { AlertBounds } from './bounds';
import { conditionsOf, fromNewest, groupsOf, hasText, matchOf } from './walk';

/** How many values of a facet are returned, the most frequent first. Nothing else bounds the number of services. */
const VALUES_OF_A_FACET = 100;

/** How many alerts have the same values in everything that facets count. */
export interface Kind {
  tenant_id: TenantId;
  status: AlertStatus;
  severity: Severity;
  service: string;
  type: AlertType;
  alerts: number;
}

/** Whether all alerts of these statuses were counted; null: of every status. */
type AreWhole = (statuses: readonly AlertStatus[] | null) => boolean;

/** The number of alerts for each combination of the values that facets count: one walk for all facets. */
export async function countKinds(
  manager: EntityManager,
  tenants: readonly TenantId[],
  selection: AlertSelection,
  bounds: AlertBounds,
): Promise<{ rows: Kind[]; whole: AreWhole }> {
  if (!hasText(selection)) {
    const rows = await manager.query<(Kind & { walked: number })[]>(statements.COUNTS, [
      ...groupsOf(tenants, selection),
      ...conditionsOf(selection),
      bounds.counted,
    ]);
    // the walk takes one status after the other, so only the last one that it came to was cut short
    const all = rows.length === 0 || rows[0]!.walked < bounds.counted;
    const cut = Math.max(...rows.map(({ status }) => ALERT_STATUSES.indexOf(status)));
    return {
      rows: rows.filter(({ alerts }) => alerts > 0),
      whole: (wanted) => all || (wanted !== null && wanted.every((one) => ALERT_STATUSES.indexOf(one) < cut)),
    };
  }
  const parameters = [
    ...groupsOf(tenants, selection),
    ...fromNewest(selection),
    ...conditionsOf(selection),
    ...matchOf(tenants, selection, bounds, bounds.lookedAt),
  ];
  const rows = await manager.query<(Kind & { complete: boolean })[]>(statements.MATCHING_COUNTS, parameters);
  return { rows: rows.filter(({ tenant_id }) => tenant_id !== null), whole: () => rows[0]!.complete };
}

/** Counts by value, the most frequent first. */
export function countsBy<Row extends { alerts: number }>(
  rows: readonly Row[],
  valueOf: (row: Row) => string,
): Record<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(valueOf(row), (counts.get(valueOf(row)) ?? 0) + row.alerts);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a).slice(0, VALUES_OF_A_FACET));
}
