import type { EntityManager } from 'typeorm';
import { ALERT_STATUSES, SEVERITIES, type AlertStats, type Severity, type TenantId } from '@tocsin/contracts';
import type { AlertSelection, StatsQuery } from '@tocsin/contracts/ports';
import * as statements from '../alert-statements';
import type { AlertBounds } from './bounds';
import { countKinds, countsBy, type Kind } from './counts';
import { conditionsOf, fromNewest, groupsOf, hasText, isLookedFor, matchOf } from './walk';

export const OPEN = ALERT_STATUSES.filter((status) => status !== 'resolved');

type OpenRow = Pick<Kind, 'status' | 'severity' | 'alerts'>;

interface SeenRow {
  severity: Severity;
  bucket: number;
  alerts: number;
}

/** The open alerts by severity and by status, and the alerts of each bucket of the chart. */
export async function countStats(
  manager: EntityManager,
  tenants: readonly TenantId[],
  { selection, from, buckets, bucketSeconds }: StatsQuery,
  bounds: AlertBounds,
): Promise<Omit<AlertStats, 'cursor'>> {
  const at = (bucket: number) => new Date(from.getTime() + bucket * bucketSeconds * 1000).toISOString();
  const whenever = { ...selection, from: null, to: null, status: OPEN };
  const charted = { ...selection, from: at(0), to: at(buckets) };
  const open = await countOpen(manager, tenants, whenever, bounds);
  const seen = await countSeen(manager, tenants, charted, bucketSeconds, bounds);
  const timeline = Array.from({ length: buckets }, (_, bucket) => ({ at: at(bucket), ...noneOf(SEVERITIES) }));
  for (const { bucket, severity, alerts } of seen.rows) timeline[bucket]![severity] = alerts;
  return {
    open: {
      severity: { ...noneOf(SEVERITIES), ...countsBy(open.rows, ({ severity }) => severity) },
      status: { ...noneOf(OPEN), ...countsBy(open.rows, ({ status }) => status) },
    },
    timeline,
    bucket_seconds: bucketSeconds,
    complete: open.complete && seen.complete,
  };
}

/** The open alerts. Without conditions, a walk that checks none is faster. */
async function countOpen(
  manager: EntityManager,
  tenants: readonly TenantId[],
  selection: AlertSelection,
  bounds: AlertBounds,
): Promise<{ rows: OpenRow[]; complete: boolean }> {
  if (isLookedFor(selection) || selection.severity) {
    const { rows, whole } = await countKinds(manager, tenants, selection, bounds);
    return { rows, complete: whole(null) };
  }
  const rows = await manager.query<OpenRow[]>(statements.OPEN_COUNTS, [tenants, OPEN, bounds.counted]);
  return { rows, complete: total(rows) < bounds.counted };
}

/** The alerts of a chart. */
async function countSeen(
  manager: EntityManager,
  tenants: readonly TenantId[],
  selection: AlertSelection & { from: string },
  bucketSeconds: number,
  bounds: AlertBounds,
): Promise<{ rows: SeenRow[]; complete: boolean }> {
  const buckets = [selection.from, bucketSeconds];
  if (!hasText(selection)) {
    const rows = await manager.query<(SeenRow & { walked: number })[]>(statements.TIMELINE, [
      ...groupsOf(tenants, selection),
      ...conditionsOf(selection),
      bounds.counted,
      ...buckets,
    ]);
    return { rows, complete: rows.length === 0 || rows[0]!.walked < bounds.counted };
  }
  const rows = await manager.query<(SeenRow & { complete: boolean })[]>(statements.MATCHING_TIMELINE, [
    ...groupsOf(tenants, selection),
    ...fromNewest(selection),
    ...conditionsOf(selection),
    ...matchOf(tenants, selection, bounds, bounds.lookedAt),
    ...buckets,
  ]);
  return { rows: rows.filter(({ severity }) => severity !== null), complete: rows[0]!.complete };
}

export const total = (rows: readonly { alerts: number }[]): number => rows.reduce((sum, { alerts }) => sum + alerts, 0);

export const noneOf = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
