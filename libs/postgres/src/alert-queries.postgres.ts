import type { EntityManager } from 'typeorm';
import {
  ALERT_STATUSES,
  SEVERITIES,
  type Alert,
  type AlertFacets,
  type AlertGroup,
  type AlertStats,
  type AlertStatus,
  type AlertType,
  type Entry,
  type Severity,
  type TenantId,
  type TenantStats,
  type TenantStatsPage,
} from '@tocsin/contracts';
import type {
  AlertGroupPlace,
  AlertGroupsQuery,
  AlertListQuery,
  AlertQueries,
  AlertSelection,
  HistoryQuery,
  ListedAlerts,
  NamedAlert,
  StatsQuery,
} from '@tocsin/contracts/ports';
import * as statements from './alert-statements';
import type { Database } from './database';
import { storedEventOf, type EntryRow } from './event-log.postgres';

/** The bounds of one question, over all its tenants together. */
interface AlertBounds {
  /** How many alerts a list may walk over in the index to find those that pass its conditions: a microsecond each. */
  walked: number;
  /**
   * How many of these a search for words or labels may read from the table: a few microseconds each when they are
   * cached.
   */
  lookedAt: number;
  /** How many alerts a count may walk over in the index. */
  counted: number;
  /**
   * How many alerts of one tenant, status and severity are counted when tenants are compared. It is not shared: each tenant's
   * number is as good as if it were asked for alone.
   */
  countedEach: number;
}
const BOUNDS: AlertBounds = { walked: 12_000, lookedAt: 1_500, counted: 20_000, countedEach: 1_000 };

/**
 * How many alerts of a walk are sampled to judge how dense the matches are in it. When there are many walks each gets a
 * smaller sample, or judging would be half of the work.
 */
const JUDGED_BY = 32;

/** How many values of a facet are returned, the most frequent first. Nothing else bounds the number of services. */
const VALUES_OF_A_FACET = 100;
const OPEN = ALERT_STATUSES.filter((status) => status !== 'resolved');
/** Greater than the number of any entry. */
const BEHIND_ALL = Number.MAX_SAFE_INTEGER;

const FACETS = ['status', 'severity', 'service', 'type', 'tenant'] as const;
type Facet = (typeof FACETS)[number];

/**
 * Alerts in PostgreSQL, by plain statements under row-level security. Each question has a bound, so that it does not
 * take longer when a tenant has more alerts. The statements and their index are described in `alert-statements.ts`.
 */
export class PostgresAlertQueries implements AlertQueries {
  private readonly bounds: AlertBounds;

  constructor(
    private readonly database: Database,
    bounds: Partial<AlertBounds> = {},
  ) {
    this.bounds = { ...BOUNDS, ...bounds };
  }

  list(tenants: readonly TenantId[], query: AlertListQuery): Promise<ListedAlerts> {
    return this.database.as(tenants, (manager) =>
      isLookedFor(query) ? listMatching(manager, tenants, query, this.bounds) : listAll(manager, tenants, query),
    );
  }

  async facets(
    tenants: readonly TenantId[],
    selected: readonly TenantId[],
    selection: AlertSelection,
  ): Promise<AlertFacets> {
    const others = { ...selection, status: null, severity: null, service: null, type: null };
    const { rows, whole } = await this.database.as(tenants, (manager) =>
      countKinds(manager, tenants, others, this.bounds),
    );
    const passes: Record<Facet, (kind: Kind) => boolean> = {
      status: ({ status }) => selection.status?.includes(status) ?? true,
      severity: ({ severity }) => selection.severity?.includes(severity) ?? true,
      service: ({ service }) => selection.service?.includes(service) ?? true,
      type: ({ type }) => selection.type?.includes(type) ?? true,
      tenant: ({ tenant_id }) => selected.includes(tenant_id),
    };
    const count = (facet: Facet) => {
      const others = FACETS.filter((other) => other !== facet);
      return countsBy(
        rows.filter((kind) => others.every((other) => passes[other](kind))),
        (kind) => kind[facet === 'tenant' ? 'tenant_id' : facet],
      );
    };
    return {
      status: count('status'),
      severity: count('severity'),
      service: count('service'),
      type: count('type'),
      tenant: count('tenant'),
      snoozed: countsBy(
        rows.filter(
          (kind) => kind.status === 'snoozed' && passes.service(kind) && passes.type(kind) && passes.tenant(kind),
        ),
        ({ severity }) => severity,
      ),
      complete: whole(selection.status),
    };
  }

  groups(
    tenants: readonly TenantId[],
    query: AlertGroupsQuery,
  ): Promise<{ groups: AlertGroup[]; end: AlertGroupPlace | null; complete: boolean }> {
    return this.database.as(tenants, (manager) => groupAlerts(manager, tenants, query, this.bounds));
  }

  find(tenants: readonly TenantId[], alertIds: readonly string[]): Promise<Alert[]> {
    return this.database.as(tenants, (manager) => manager.query<Alert[]>(statements.BY_ID, [tenants, alertIds]));
  }

  async named(tenant: TenantId, service: string, dedupKey: string): Promise<NamedAlert | undefined> {
    const [alert] = await this.database.as([tenant], (manager) =>
      manager.query<NamedAlert[]>(statements.BY_KEY, [tenant, service, dedupKey]),
    );
    return alert;
  }

  async history(
    tenant: TenantId,
    alertId: string,
    { before, limit }: HistoryQuery,
  ): Promise<{ entries: Entry[]; more: boolean }> {
    const rows = await this.database.as([tenant], (manager) =>
      manager.query<EntryRow[]>(statements.HISTORY, [tenant, alertId, before ?? BEHIND_ALL, limit + 1]),
    );
    return {
      entries: rows.slice(0, limit).map((row) => storedEventOf(row, row, row, row).entry),
      more: rows.length > limit,
    };
  }

  async stats(
    tenants: readonly TenantId[],
    { selection, from, buckets, bucketSeconds }: StatsQuery,
  ): Promise<Omit<AlertStats, 'cursor'>> {
    const at = (bucket: number) => new Date(from.getTime() + bucket * bucketSeconds * 1000).toISOString();
    const whenever = { ...selection, from: null, to: null, status: OPEN };
    const charted = { ...selection, from: at(0), to: at(buckets) };
    const { open, seen } = await this.database.as(tenants, async (manager) => ({
      open: await countOpen(manager, tenants, whenever, this.bounds),
      seen: await countSeen(manager, tenants, charted, bucketSeconds, this.bounds),
    }));
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

  async tenantStats(
    tenants: readonly TenantId[],
    { from, buckets, bucketSeconds }: Omit<StatsQuery, 'selection'>,
  ): Promise<Pick<TenantStatsPage, 'at_most'> & { tenants: TenantStats[] }> {
    const to = new Date(from.getTime() + buckets * bucketSeconds * 1000);
    const { countedEach } = this.bounds;
    const rows = await this.database.as(tenants, (manager) =>
      manager.query<TenantCountRow[]>(statements.TENANT_COUNTS, [
        tenants,
        OPEN,
        SEVERITIES,
        from.toISOString(),
        to.toISOString(),
        countedEach,
        bucketSeconds,
        ALERT_STATUSES,
      ]),
    );
    const rowsOf = (tenant: TenantId) => rows.filter(({ tenant_id }) => tenant_id === tenant);
    return {
      tenants: tenants.map((tenant) => tenantStatsOf(tenant, rowsOf(tenant), buckets, countedEach)),
      at_most: countedEach,
    };
  }
}

// ---- a page --------------------------------------------------------------------------------------------------------

const hasText = ({ words, labels }: AlertSelection): boolean => words.length > 0 || Object.keys(labels).length > 0;
const isFiltered = ({ service, type, name, assignee }: AlertSelection): boolean =>
  [service, type, name, assignee].some((values) => values !== null);

/**
 * Whether a walk also passes alerts that are not wanted. The index is sorted by tenant, status, severity and time; all
 * other conditions are filters.
 */
const isLookedFor = (selection: AlertSelection): boolean => hasText(selection) || isFiltered(selection);

async function listAll(
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

async function listMatching(
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

/** An id that no alert has. */
const NIL = '00000000-0000-0000-0000-000000000000';

/**
 * The place before the first alert of a walk, in its direction. It repeats the conditions `from` and `to`, because the
 * index is entered at this place: from the end of time, a walk would pass everything that is later than `to`.
 */
const outsideOf = (
  direction: statements.Direction,
  { from, to }: Pick<AlertSelection, 'from' | 'to'>,
): readonly [string, string] => (direction === 'down' ? [to ?? 'infinity', NIL] : [from ?? '-infinity', NIL]);

/**
 * The severities that the page may still hold, each with its rank in the order and the place after which its alerts
 * continue.
 */
function walkOf({
  order,
  severity,
  after,
  from,
  to,
}: Pick<AlertListQuery, 'order' | 'severity' | 'after' | 'from' | 'to'>): {
  direction: statements.Direction;
  severities: Severity[];
  places: [number[], string[], string[]];
} {
  const direction = order === 'oldest' ? 'up' : 'down';
  const ranked = order === 'severity';
  const wanted = SEVERITIES.filter((one) => severity?.includes(one) ?? true);
  // more severe alerts are on earlier pages
  const severities =
    ranked && after ? wanted.filter((one) => SEVERITIES.indexOf(one) >= SEVERITIES.indexOf(after.severity)) : wanted;
  const outside = outsideOf(direction, { from, to });
  // a place that the client made up may lie outside the requested time
  const isInside =
    after &&
    (direction === 'down' ? to === null || after.first_seen_at < to : from === null || after.first_seen_at >= from);
  const begins = severities.map((one) =>
    isInside && (!ranked || one === after.severity) ? ([after.first_seen_at, after.alert_id] as const) : outside,
  );
  const ranks = severities.map((one) => (ranked ? SEVERITIES.indexOf(one) : 0));
  return { direction, severities, places: [ranks, begins.map(([at]) => at), begins.map(([, id]) => id)] };
}

// ---- parameters, as the statements number them ---------------------------------------------------------------------

/** Parameters $1 to $5. */
const groupsOf = (
  tenants: readonly TenantId[],
  { status, severity, from, to }: Pick<AlertSelection, 'status' | 'severity' | 'from' | 'to'>,
): unknown[] => [tenants, status ?? ALERT_STATUSES, severity ?? SEVERITIES, from ?? '-infinity', to ?? 'infinity'];

/** The five conditions that the index can decide. */
function conditionsOf({ service, type, name, assignee }: AlertSelection): unknown[] {
  const names = name && name.map((one) => one ?? '');
  return [
    service,
    type,
    names,
    assignee && assignee.filter((user) => user !== null),
    assignee?.includes(null) ?? false,
  ];
}

/**
 * Parameters $14 to $19 of `MATCHING`: the labels, the words as patterns, and the bounds of the walks for `wanted`
 * alerts.
 */
function matchOf(
  tenants: readonly TenantId[],
  selection: AlertSelection,
  { walked, lookedAt }: AlertBounds,
  wanted: number,
): unknown[] {
  const { status, severity, labels, words } = selection;
  const passing = hasText(selection) ? lookedAt : wanted;
  // without filters every alert passes and the walks end near one place, so walking over twice as many alerts as may be
  // read is enough
  const alerts = isFiltered(selection) ? walked : 2 * passing;
  const walks = Math.max(1, tenants.length * (status ?? ALERT_STATUSES).length * (severity ?? SEVERITIES).length);
  const judgedBy = Math.min(JUDGED_BY, Math.max(2, Math.floor(alerts / 4 / walks)));
  return [
    Object.keys(labels),
    Object.values(labels),
    words.map((word) => `%${word.replace(/[\\%_]/g, '\\$&')}%`),
    alerts,
    passing,
    judgedBy,
  ];
}

// ---- counts --------------------------------------------------------------------------------------------------------

interface Kind {
  tenant_id: TenantId;
  status: AlertStatus;
  severity: Severity;
  service: string;
  type: AlertType;
  alerts: number;
}
type OpenRow = Pick<Kind, 'status' | 'severity' | 'alerts'>;
interface SeenRow {
  severity: Severity;
  bucket: number;
  alerts: number;
}

/** Whether all alerts of these statuses were counted; null: of every status. */
type AreWhole = (statuses: readonly AlertStatus[] | null) => boolean;

/** The number of alerts for each combination of the values that facets count: one walk for all facets. */
async function countKinds(
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

/** Parameters $6 to $8 of a walk that begins with the newest alert. */
const fromNewest = (selection: AlertSelection) => walkOf({ ...selection, order: 'newest', after: null }).places;

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

// ---- tenants ----------------------------------------------------------------------------------------------------------

interface TenantCountRow {
  tenant_id: TenantId;
  status: AlertStatus | null;
  severity: Severity | null;
  /** Null: the row counts alerts that are not resolved. */
  bucket: number | null;
  alerts: number;
  /** The newest bucket of the tenant that is not counted completely; null: all are. */
  cut: number | null;
}

function tenantStatsOf(
  tenant_id: TenantId,
  rows: readonly TenantCountRow[],
  buckets: number,
  atMost: number,
): TenantStats {
  const sum = (wanted: (row: TenantCountRow) => boolean) => Math.min(atMost, total(rows.filter(wanted)));
  const open = noneOf(SEVERITIES);
  for (const one of SEVERITIES) open[one] = sum(({ severity, status }) => severity === one && status !== 'snoozed');
  const cut = rows.find((row) => row.cut !== null)?.cut ?? -1;
  const timeline = Array.from({ length: buckets }, (_, at): number | null => (at <= cut ? null : 0));
  for (const { bucket, alerts } of rows) if (bucket !== null && bucket > cut) timeline[bucket] = alerts;
  return { tenant_id, open, snoozed: sum(({ status }) => status === 'snoozed'), timeline };
}

// ---- groups -----------------------------------------------------------------------------------------------------------

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

async function groupAlerts(
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

const total = (rows: readonly { alerts: number }[]): number => rows.reduce((sum, { alerts }) => sum + alerts, 0);

/** Counts by value, the most frequent first. */
function countsBy<Row extends { alerts: number }>(
  rows: readonly Row[],
  valueOf: (row: Row) => string,
): Record<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(valueOf(row), (counts.get(valueOf(row)) ?? 0) + row.alerts);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a).slice(0, VALUES_OF_A_FACET));
}

const noneOf = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
