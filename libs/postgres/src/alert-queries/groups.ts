import type { EntityManager } from 'typeorm';
import { SEVERITIES, type AlertGroup, type TenantId } from '@tocsin/contracts';
import type { AlertGroupPlace, AlertGroupsQuery } from '@tocsin/contracts/ports';
import * as statements from '../alert-statements';
import type { AlertBounds } from './bounds';
import { conditionsOf, fromNewest, groupsOf, hasText, matchOf } from './walk';

interface GroupRow {
  complete: boolean;
  /** Null: no group matches. */
  key: string | null;
  rank: number;
  alerts: number;
  taken: number;
  oldest_at: string;
  newest_at: string;
  tenant_id: string;
  alert_id: string;
  title: string;
}

export async function groupAlerts(
  manager: EntityManager,
  tenants: readonly TenantId[],
  query: AlertGroupsQuery,
  bounds: AlertBounds,
): Promise<{ groups: AlertGroup[]; end: AlertGroupPlace | null; complete: boolean }> {
  const { by, order, after, limit } = query;
  const [kind, label] = typeof by === 'string' ? ([by, []] as const) : (['label', [by.label]] as const);
  const page = [
    SEVERITIES,
    after && SEVERITIES.indexOf(after.severity) + 1,
    after?.at ?? null,
    after && storedKey(after.key),
    limit + 1,
    ...label,
  ];
  const text = hasText(query);
  const rows = text
    ? await manager.query<GroupRow[]>(statements.matchingGroupsStatement(kind, order), [
        ...groupsOf(tenants, query),
        ...fromNewest(query),
        ...conditionsOf(query),
        ...matchOf(tenants, query, bounds, bounds.lookedAt),
        ...page,
      ])
    : await manager.query<GroupRow[]>(statements.groupsStatement(kind, order), [
        ...groupsOf(tenants, query),
        ...conditionsOf(query),
        bounds.counted,
        ...page,
      ]);
  const groups = rows.filter(({ key }) => key !== null).map(groupOf);
  const last = groups[limit - 1];
  return {
    groups: groups.slice(0, limit),
    end:
      groups.length > limit && last
        ? { severity: last.severity, at: order === 'oldest' ? last.oldest_at : last.newest_at, key: last.key }
        : null,
    complete: rows[0]!.complete,
  };
}

/** A key as the statements write it, so that an empty value is another group than none. */
const storedKey = (key: string | null): string => (key === null ? '' : `=${key}`);

const groupOf = ({
  key,
  rank,
  alerts,
  taken,
  oldest_at,
  newest_at,
  tenant_id,
  alert_id,
  title,
}: GroupRow): AlertGroup => ({
  key: key === '' ? null : key!.slice(1),
  severity: SEVERITIES[rank - 1]!,
  alerts,
  taken,
  newest: { alert_id, tenant_id, title },
  oldest_at,
  newest_at,
});
