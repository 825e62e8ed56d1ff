import { ALERT_STATUSES, SEVERITIES, type Severity, type TenantId } from '@tocsin/contracts';
import type { AlertListQuery, AlertSelection } from '@tocsin/contracts/ports';
import type { Walk } from './walk-terms';
import type { AlertBounds } from './bounds';

export const hasText = ({ words, labels }: AlertSelection): boolean =>
  words.length > 0 || Object.keys(labels).length > 0;

/**
 * Whether a walk passes alerts that the conditions leave out, not counting words and labels. The index of a walk is
 * sorted by tenant, status, severity and a time; all other conditions are filters. In the order `resolved` the range of
 * time is a filter too, because that index is sorted by another time.
 */
const isFiltered = (selection: AlertSelection, walk: Walk): boolean => {
  const { service, notService, type, name, assignee, from, to } = selection;
  if (walk === 'resolved' && (from !== null || to !== null)) return true;
  return notService.length > 0 || [service, type, name, assignee].some((values) => values !== null);
};

/** Whether a walk also passes alerts that are not wanted. */
export const isLookedFor = (selection: AlertSelection, walk: Walk = 'down'): boolean =>
  hasText(selection) || isFiltered(selection, walk);

/** An id that no alert has. */
const NIL = '00000000-0000-0000-0000-000000000000';

/**
 * The place before the first alert of a walk, in its direction. It repeats the conditions `from` and `to`, because the
 * index is entered at this place: from the end of time, a walk would pass everything that is later than `to`.
 */
const outsideOf = (walk: Walk, { from, to }: Pick<AlertSelection, 'from' | 'to'>): readonly [string, string] => {
  if (walk === 'resolved') return ['infinity', NIL];
  return walk === 'down' ? [to ?? 'infinity', NIL] : [from ?? '-infinity', NIL];
};

/** The walk of a list in this order. */
export const inOrder = (order: AlertListQuery['order']): Walk =>
  order === 'resolved' ? order : order === 'oldest' ? 'up' : 'down';

/**
 * The severities that the page may still hold, each with its rank in the order and the place after which its alerts
 * continue.
 */
export function walkOf({
  order,
  severity,
  after,
  from,
  to,
}: Pick<AlertListQuery, 'order' | 'severity' | 'after' | 'from' | 'to'>): {
  walk: Walk;
  severities: Severity[];
  places: [number[], string[], string[]];
} {
  const walk = inOrder(order);
  const ranked = order === 'severity';
  const wanted = SEVERITIES.filter((one) => severity?.includes(one) ?? true);
  // more severe alerts are on earlier pages
  const severities =
    ranked && after ? wanted.filter((one) => SEVERITIES.indexOf(one) >= SEVERITIES.indexOf(after.severity)) : wanted;
  const outside = outsideOf(walk, { from, to });
  // a place that the client made up may lie outside the requested time
  const at = after && (walk === 'resolved' ? after.resolved_at : after.first_seen_at);
  const isInside =
    walk === 'resolved' || (at && (walk === 'down' ? to === null || at < to : from === null || at >= from));
  const begins = severities.map((one) =>
    at && isInside && (!ranked || one === after.severity) ? ([at, after.alert_id] as const) : outside,
  );
  const ranks = severities.map((one) => (ranked ? SEVERITIES.indexOf(one) : 0));
  return { walk, severities, places: [ranks, begins.map(([at]) => at), begins.map(([, id]) => id)] };
}

// ---- parameters, as the statements number them ---------------------------------------------------------------------

/** Parameters $1 to $5. */
export const groupsOf = (
  tenants: readonly TenantId[],
  { status, severity, from, to }: Pick<AlertSelection, 'status' | 'severity' | 'from' | 'to'>,
): unknown[] => [tenants, status ?? ALERT_STATUSES, severity ?? SEVERITIES, from ?? '-infinity', to ?? 'infinity'];

/** The six conditions that the index can decide. */
export function conditionsOf({ service, notService, type, name, assignee }: AlertSelection): unknown[] {
  const names = name && name.map((one) => one ?? '');
  return [
    service,
    type,
    names,
    assignee && assignee.filter((user) => user !== null),
    assignee?.includes(null) ?? false,
    notService,
  ];
}

/** Parameters $6 to $8 of a walk that begins with the newest alert. */
export const fromNewest = (selection: AlertSelection) => walkOf({ ...selection, order: 'newest', after: null }).places;

/**
 * How many alerts of a walk are sampled to judge how dense the matches are in it. When there are many walks each gets a
 * smaller sample, or judging would be half of the work.
 */
const JUDGED_BY = 32;

/**
 * Parameters $15 to $20 of `MATCHING`: the labels, the words as patterns, and the bounds of the walks for `wanted`
 * alerts.
 */
export function matchOf(
  tenants: readonly TenantId[],
  selection: AlertSelection,
  { walked, lookedAt }: AlertBounds,
  wanted: number,
  walk: Walk = 'down',
): unknown[] {
  const { status, severity, labels, words } = selection;
  const passing = hasText(selection) ? lookedAt : wanted;
  // without filters every alert passes and the walks end near one place, so walking over twice as many alerts as may be
  // read is enough
  const alerts = isFiltered(selection, walk) ? walked : 2 * passing;
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
