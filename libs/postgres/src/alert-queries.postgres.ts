import type { EntityManager } from 'typeorm';
import { ALERT_STATUSES, SEVERITIES, type Alert, type AlertFacets, type AlertStats, type AlertStatus, type AlertType, type Entry, type Severity, type TenantId } from '@tocsin/contracts';
import type { AlertListQuery, AlertQueries, AlertSelection, HistoryQuery, ListedAlerts, StatsQuery } from '@tocsin/contracts/ports';
import * as statements from './alert-statements';
import type { Database } from './database';
import { storedEventOf, type EntryRow } from './event-log.postgres';

/** How far one question may go. */
export interface AlertBounds {
  /** How many alerts a search for words or labels reads, of all tenants together: a few milliseconds where they are cached. */
  lookedAt: number;
  /** How many alerts a count walks over in the index. */
  counted: number;
}
const BOUNDS: AlertBounds = { lookedAt: 2_500, counted: 30_000 };

/** Values of a facet, the most frequent ones: services have no bound of their own. */
const VALUES_OF_A_FACET = 100;
const OPEN = ALERT_STATUSES.filter((status) => status !== 'resolved');
/** No number of an entry is so high. */
const BEHIND_ALL = Number.MAX_SAFE_INTEGER;

const FACETS = ['status', 'severity', 'service', 'type', 'tenant'] as const;
type Facet = (typeof FACETS)[number];

/**
 * Alerts in PostgreSQL, by plain statements under row-level security. What an index cannot decide is bounded, so that no
 * question takes longer because a tenant has had more alerts. The statements and their index: `alert-statements.ts`.
 */
export class PostgresAlertQueries implements AlertQueries {
  constructor(
    private readonly database: Database,
    private readonly bounds: AlertBounds = BOUNDS,
  ) {}

  list(tenants: readonly TenantId[], query: AlertListQuery): Promise<ListedAlerts> {
    return this.database.as(tenants, (manager) => (isIndexed(query) ? listIndexed(manager, tenants, query) : listMatching(manager, tenants, query, this.bounds)));
  }

  async facets(tenants: readonly TenantId[], selected: readonly TenantId[], selection: AlertSelection): Promise<AlertFacets> {
    const others = { ...selection, status: null, severity: null, service: null, type: null };
    const { rows, complete } = await this.database.as(tenants, (manager) => countKinds(manager, tenants, others, this.bounds));
    const passes: Record<Facet, (kind: Kind) => boolean> = {
      status: ({ status }) => selection.status?.includes(status) ?? true,
      severity: ({ severity }) => selection.severity?.includes(severity) ?? true,
      service: ({ service }) => selection.service?.includes(service) ?? true,
      type: ({ type }) => selection.type?.includes(type) ?? true,
      tenant: ({ tenant_id }) => selected.includes(tenant_id),
    };
    const count = (facet: Facet) => {
      const others = FACETS.filter((other) => other !== facet);
      return countsBy(rows.filter((kind) => others.every((other) => passes[other](kind))), (kind) => kind[facet === 'tenant' ? 'tenant_id' : facet]);
    };
    return { status: count('status'), severity: count('severity'), service: count('service'), type: count('type'), tenant: count('tenant'), complete };
  }

  find(tenants: readonly TenantId[], alertIds: readonly string[]): Promise<Alert[]> {
    return this.database.as(tenants, (manager) => manager.query<Alert[]>(statements.BY_ID, [tenants, alertIds]));
  }

  async history(tenant: TenantId, alertId: string, { before, limit }: HistoryQuery): Promise<{ entries: Entry[]; more: boolean }> {
    const rows = await this.database.as([tenant], (manager) => manager.query<EntryRow[]>(statements.HISTORY, [tenant, alertId, before ?? BEHIND_ALL, limit + 1]));
    return { entries: rows.slice(0, limit).map((row) => storedEventOf(tenant, row, row, null).entry), more: rows.length > limit };
  }

  async stats(tenants: readonly TenantId[], { from, buckets, bucketSeconds }: StatsQuery): Promise<Omit<AlertStats, 'cursor'>> {
    const { counted } = this.bounds;
    const at = (bucket: number) => new Date(from.getTime() + bucket * bucketSeconds * 1000).toISOString();
    const { open, seen } = await this.database.as(tenants, async (manager) => ({
      open: await manager.query<OpenRow[]>(statements.OPEN_COUNTS, [tenants, OPEN, counted]),
      seen: await manager.query<SeenRow[]>(statements.TIMELINE, [tenants, ALERT_STATUSES, SEVERITIES, at(0), at(buckets), bucketSeconds, counted]),
    }));
    const timeline = Array.from({ length: buckets }, (_, bucket) => ({ at: at(bucket), ...noneOf(SEVERITIES) }));
    for (const { bucket, severity, alerts } of seen) timeline[bucket]![severity] = alerts;
    return {
      open: { severity: { ...noneOf(SEVERITIES), ...countsBy(open, ({ severity }) => severity) }, status: { ...noneOf(OPEN), ...countsBy(open, ({ status }) => status) } },
      timeline,
      bucket_seconds: bucketSeconds,
      complete: total(open) < counted && total(seen) < counted,
    };
  }
}

// ---- a page -----------------------------------------------------------------------------------------------------------

const isIndexed = ({ words, labels }: AlertSelection): boolean => words.length === 0 && Object.keys(labels).length === 0;

async function listIndexed(manager: EntityManager, tenants: readonly TenantId[], query: AlertListQuery): Promise<ListedAlerts> {
  const { direction, severities, places } = walkOf(query);
  const parameters = [...selectionOf(tenants, { ...query, severity: severities }), ...places, query.limit + 1];
  return { ...pageOf(await manager.query<Alert[]>(statements.pageStatement(direction), parameters), query.limit), searched: null };
}

interface SearchedColumns {
  searched_alerts: number;
  searched_since: string | null;
  searched_all: boolean;
}

async function listMatching(manager: EntityManager, tenants: readonly TenantId[], query: AlertListQuery, { lookedAt }: AlertBounds): Promise<ListedAlerts> {
  const { direction, severities, places } = walkOf(query);
  const parameters = [...selectionOf(tenants, query), ...matchOf(tenants, query, lookedAt), severities, ...places, query.limit + 1];
  const found = await manager.query<(Alert & SearchedColumns)[]>(statements.matchingPageStatement(direction), parameters);
  const { searched_alerts: alerts, searched_since: since, searched_all: complete } = found[0]!;
  // where nothing matches there is one row all the same, which tells what was looked at
  const matching = found.filter(({ alert_id }) => alert_id !== null).map(({ searched_alerts, searched_since, searched_all, ...alert }): Alert => alert);
  return { ...pageOf(matching, query.limit), searched: { alerts, since, complete } };
}

function pageOf(rows: readonly Alert[], limit: number): Pick<ListedAlerts, 'alerts' | 'end'> {
  const alerts = rows.slice(0, limit);
  const last = alerts.at(-1);
  return { alerts, end: last && rows.length > limit ? { severity: last.severity, first_seen_at: last.first_seen_at, alert_id: last.alert_id } : null };
}

/** Before the first alert of a walk, whichever way it goes. */
const OUTSIDE = { down: ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'], up: ['-infinity', '00000000-0000-0000-0000-000000000000'] } as const;

/** Which severities a page may still hold, with each one's rank in the order and the place behind which it goes on. */
function walkOf({ order, severity, after }: AlertListQuery): { direction: statements.Direction; severities: Severity[]; places: [number[], string[], string[]] } {
  const direction = order === 'oldest' ? 'up' : 'down';
  const ranked = order === 'severity';
  const wanted = SEVERITIES.filter((one) => severity?.includes(one) ?? true);
  // the more severe ones stand on the pages before
  const severities = ranked && after ? wanted.filter((one) => SEVERITIES.indexOf(one) >= SEVERITIES.indexOf(after.severity)) : wanted;
  const begins = severities.map((one) => (after && (!ranked || one === after.severity) ? ([after.first_seen_at, after.alert_id] as const) : OUTSIDE[direction]));
  const ranks = severities.map((one) => (ranked ? SEVERITIES.indexOf(one) : 0));
  return { direction, severities, places: [ranks, begins.map(([at]) => at), begins.map(([, id]) => id)] };
}

// ---- parameters, as the statements number them ------------------------------------------------------------------------

/** $1 to $10. */
function selectionOf(tenants: readonly TenantId[], { status, severity, from, to, service, type, name, assignee }: Omit<AlertSelection, 'labels' | 'words'>): unknown[] {
  const users = assignee && assignee.filter((user) => user !== null);
  return [tenants, status ?? ALERT_STATUSES, severity ?? SEVERITIES, from ?? '-infinity', to ?? 'infinity', service, type, name, users, assignee?.includes(null) ?? false];
}

/** $11 to $14 of what matches: how many of each tenant, the labels, and the words as patterns. */
function matchOf(tenants: readonly TenantId[], { labels, words }: AlertSelection, lookedAt: number): unknown[] {
  const ofEach = Math.max(1, Math.floor(lookedAt / Math.max(1, tenants.length)));
  return [ofEach, Object.keys(labels), Object.values(labels), words.map((word) => `%${word.replace(/[\\%_]/g, '\\$&')}%`)];
}

// ---- counts -----------------------------------------------------------------------------------------------------------

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

/** How many there are of each combination of what facets count: one walk for all facets. */
async function countKinds(manager: EntityManager, tenants: readonly TenantId[], selection: AlertSelection, { lookedAt, counted }: AlertBounds): Promise<{ rows: Kind[]; complete: boolean }> {
  if (isIndexed(selection)) {
    const rows = await manager.query<Kind[]>(statements.COUNTS, [...selectionOf(tenants, selection), counted]);
    return { rows, complete: total(rows) < counted };
  }
  const rows = await manager.query<(Kind & { complete: boolean })[]>(statements.MATCHING_COUNTS, [...selectionOf(tenants, selection), ...matchOf(tenants, selection, lookedAt)]);
  return { rows: rows.filter(({ tenant_id }) => tenant_id !== null), complete: rows[0]!.complete };
}

const total = (rows: readonly { alerts: number }[]): number => rows.reduce((sum, { alerts }) => sum + alerts, 0);

/** By value, the most frequent first. */
function countsBy<Row extends { alerts: number }>(rows: readonly Row[], valueOf: (row: Row) => string): Record<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(valueOf(row), (counts.get(valueOf(row)) ?? 0) + row.alerts);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a).slice(0, VALUES_OF_A_FACET));
}

const noneOf = <Name extends string>(names: readonly Name[]): Record<Name, number> => Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
