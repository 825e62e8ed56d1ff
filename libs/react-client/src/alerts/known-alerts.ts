import type { Alert, Entry } from '@tocsin/contracts/wire';
import { alertAfter, isCompletedBy } from './alert-from-entry';

/** How many forgotten alerts are still kept as they last were: the latest ones. */
const MAX_DEPARTED = 1_000;

/** The newest known version of each alert. Entries of the stream and responses of the API may come in any order. */
export class KnownAlerts {
  private readonly alerts = new Map<string, Alert>();
  /** Alerts that first came with an entry that does not tell all of them. */
  private readonly partial = new Set<string>();
  /** Alerts whose event log was replaced since: their numbers say nothing of the new one's. */
  private readonly outdated = new Set<string>();
  /** Alerts that were forgotten, as they were then, the oldest first. */
  private readonly left = new Map<string, Alert>();

  has(alertId: string): boolean {
    return this.alerts.has(alertId);
  }

  get(alertId: string): Alert | undefined {
    return this.alerts.get(alertId);
  }

  /** The alert as it was when it was forgotten; undefined when it was not, or long ago. */
  departed(alertId: string): Alert | undefined {
    return this.left.get(alertId);
  }

  /** Whether something of the alert is not known. */
  isPartial(alertId: string): boolean {
    return this.partial.has(alertId);
  }

  partialIds(): string[] {
    return [...this.partial];
  }

  /** Takes an entry of the stream. Returns false when that version of the alert, or a newer one, is known already. */
  apply(entry: Entry): boolean {
    const before = this.outdated.delete(entry.alert_id) ? undefined : this.alerts.get(entry.alert_id);
    if (before && entry.seq <= before.last_seq) return false;
    this.alerts.set(entry.alert_id, alertAfter(before, entry));
    if (isCompletedBy(before, entry)) this.partial.delete(entry.alert_id);
    else if (!before) this.partial.add(entry.alert_id);
    return true;
  }

  /** Takes an alert of the API, unless a newer version of it is known. */
  merge(alert: Alert): void {
    const before = this.outdated.delete(alert.alert_id) ? undefined : this.alerts.get(alert.alert_id);
    // if both have the same number, the API's version is the complete one
    if (before && before.last_seq > alert.last_seq) return;
    this.alerts.set(alert.alert_id, alert);
    this.partial.delete(alert.alert_id);
  }

  forget(alertId: string): void {
    const alert = this.alerts.get(alertId);
    this.left.delete(alertId);
    if (alert) this.left.set(alertId, alert);
    if (this.left.size > MAX_DEPARTED) this.left.delete(this.left.keys().next().value!);
    this.alerts.delete(alertId);
    this.partial.delete(alertId);
    this.outdated.delete(alertId);
  }

  /** Takes any version of the alerts of these tenants from now on: their event logs were replaced. */
  outdateTenants(tenants: ReadonlySet<string>): void {
    for (const [alertId, { tenant_id }] of this.alerts) if (tenants.has(tenant_id)) this.outdated.add(alertId);
  }

  /** Forgets the alerts of tenants that the user may no longer see, and remembers none of them. */
  forgetTenants(tenants: ReadonlySet<string>): void {
    for (const [alertId, { tenant_id }] of this.alerts) if (tenants.has(tenant_id)) this.forget(alertId);
    for (const [alertId, { tenant_id }] of this.left) if (tenants.has(tenant_id)) this.left.delete(alertId);
  }
}
