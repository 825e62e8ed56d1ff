import { SEVERITIES, type Alert, type Severity } from '@tocsin/contracts/wire';

interface Group {
  /** What its alerts have in common; empty: they have no name. */
  key: string;
  count: number;
  /** The worst in it. */
  severity: Severity;
  newest: Alert;
}

/** Alerts by what they have in common: the group with the worst first, of those the one that was heard of last. */
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
