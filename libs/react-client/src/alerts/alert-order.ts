import { SEVERITIES, type Alert, type ListOrder } from '@tocsin/contracts/wire';

type Ordered = Pick<Alert, 'alert_id' | 'first_seen_at' | 'severity'> & { resolved_at?: string | null };

const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const oldest = (a: Ordered, b: Ordered): number =>
  text(a.first_seen_at, b.first_seen_at) || text(a.alert_id, b.alert_id);

/** The orders of the API, including the order of ties. Times have one ISO format, so they compare as text. */
export const COMPARE: Record<ListOrder, (a: Ordered, b: Ordered) => number> = {
  newest: (a, b) => oldest(b, a),
  oldest,
  severity: (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || oldest(b, a),
  resolved: (a, b) => text(b.resolved_at ?? '', a.resolved_at ?? '') || text(b.alert_id, a.alert_id),
};

/** The index of an alert in a sorted list, or the index at which it would be inserted. */
export function placeOf(
  sorted: readonly Ordered[],
  alert: Ordered,
  compare: (a: Ordered, b: Ordered) => number,
): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(sorted[middle]!, alert) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
