import { SEVERITIES, type Alert, type Severity } from '@tocsin/contracts/wire';

interface Group {
  /** The service or name that its alerts share; empty: they have no name. */
  key: string;
  count: number;
  /** The highest severity in the group. */
  severity: Severity;
  newest: Alert;
}

/**
 * Groups alerts by service or name. The most severe group comes first; of equal ones the group with the newest alert.
 */
export function groupsOf(alerts: readonly Alert[], by: 'service' | 'name'): Group[] {
  const groups = new Map<string, Group>();
  for (const alert of alerts) {
    const key = alert[by] ?? '';
    const group = groups.get(key);
    if (!group) {
      groups.set(key, { key, count: 1, severity: alert.severity, newest: alert });
      continue;
    }
    group.count += 1;
    if (rank(alert.severity) < rank(group.severity)) group.severity = alert.severity;
    if (alert.last_seen_at > group.newest.last_seen_at) group.newest = alert;
  }
  return [...groups.values()].sort(
    (a, b) => rank(a.severity) - rank(b.severity) || b.newest.last_seen_at.localeCompare(a.newest.last_seen_at),
  );
}

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);
