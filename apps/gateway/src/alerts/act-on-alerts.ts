import {
  Refused,
  type Alert,
  type AlertStatus,
  type BulkActed,
  type ErrorCode,
  type TenantId,
} from '@tocsin/contracts';
import type { ActReach, ActResult, AlertActs, AnnounceEntries, AttemptedAct } from '@tocsin/contracts/ports';
import type { VerifiedToken } from '@tocsin/auth';
import { idsOf, mayAct, ROLE_FORBIDDEN, roleForbidden, type VisibleTenants } from '../access/visible-tenants';
import { isAlertId } from './act-body';
import { AlertConflict } from '../problems/alert-conflict';

const NOT_FOUND = 'There is no such alert.';

/**
 * Performs what people do with alerts: the store tries the act, the entries that it appended are announced to every
 * gateway, and the results are returned.
 */
export class ActOnAlerts {
  constructor(
    private readonly acts: AlertActs,
    private readonly announceEntries: AnnounceEntries,
    private readonly tenants: Pick<VisibleTenants, 'of'>,
  ) {}

  /**
   * Returns the alert as it is after the act. Throws `Refused`: `not_found`, `role_forbidden`, and `alert_conflict`
   * with the alert.
   */
  async one(token: VerifiedToken, alertId: string, act: AttemptedAct): Promise<Alert> {
    const [result] = await this.act(token, [alertId], act);
    switch (result!.outcome) {
      case 'acted':
      case 'unchanged':
        return result!.alert;
      case 'conflict':
        throw new AlertConflict(conflictOf(result!.alert, act), result!.alert);
      case 'forbidden':
        throw roleForbidden();
      case 'not_found':
        throw new Refused('not_found', NOT_FOUND);
    }
  }

  /** The same for many alerts. Each must be named once and has its own outcome. */
  async many(token: VerifiedToken, alertIds: readonly string[], act: AttemptedAct): Promise<BulkActed> {
    const results = await this.act(token, alertIds, act);
    const acted: BulkActed = { alerts: [], refused: [] };
    results.forEach((result, index) => {
      const refuse = (code: ErrorCode, detail: string) =>
        void acted.refused.push({ alert_id: alertIds[index]!, code, detail });
      if (result.outcome === 'not_found') refuse('not_found', NOT_FOUND);
      else if (result.outcome === 'forbidden') refuse('role_forbidden', ROLE_FORBIDDEN);
      else if (result.outcome === 'conflict') refuse('alert_conflict', conflictOf(result.alert, act));
      else acted.alerts.push(result.alert);
    });
    return acted;
  }

  /**
   * Adds a service's note to one of its own alerts: what a user of the external system did there. Checks no membership.
   */
  async noteBy(by: string, tenant: TenantId, alertId: string, note: string, trace_id: string | null): Promise<void> {
    const reach = { tenants: [tenant], acting: [tenant] };
    const results = await this.acts.act(reach, [alertId], {
      act: 'note',
      by,
      until: null,
      assignee: null,
      note,
      trace_id,
    });
    await this.announceEntries.announce(eventsOf(results));
  }

  /**
   * Acknowledges an alert by a signed link. The link is the credential for this one act, and was checked before. Checks
   * no membership. Never refuses: the result says what became of it. Assigns nothing, because `by` is an address and no
   * user.
   */
  async acknowledgeBy(by: string, tenant: TenantId, alertId: string, trace_id: string | null): Promise<ActResult> {
    const results = await this.acts.act({ tenants: [tenant], acting: [tenant] }, [alertId], {
      act: 'acknowledge',
      by,
      until: null,
      assignee: null,
      note: null,
      trace_id,
    });
    await this.announceEntries.announce(eventsOf(results));
    return results[0]!;
  }

  private async act(token: VerifiedToken, alertIds: readonly string[], act: AttemptedAct): Promise<ActResult[]> {
    const known = alertIds.filter(isAlertId);
    const results = await this.acts.act(await this.reachOf(token), known, act);
    await this.announceEntries.announce(eventsOf(results));
    const byId = new Map(known.map((id, index) => [id, results[index]!]));
    return alertIds.map((id) => byId.get(id) ?? { outcome: 'not_found' });
  }

  private async reachOf(token: VerifiedToken): Promise<ActReach> {
    const mine = await this.tenants.of(token);
    return { tenants: idsOf(mine), acting: idsOf(mine.filter(mayAct)) };
  }
}

const eventsOf = (results: readonly ActResult[]) =>
  results.flatMap((result) => (result.outcome === 'acted' ? [result.event] : []));

const DID: Record<AlertStatus, string> = {
  firing: 'set this firing again',
  acknowledged: 'acknowledged this',
  snoozed: 'snoozed this',
  resolved: 'resolved this',
};

/** Explains a conflict: who last changed the alert's status or assignee and when, and why the act is refused. */
function conflictOf(alert: Alert, { act }: AttemptedAct): string {
  const { status, assignee, actor, acted_at, last_seen_at } = alert;
  if (act === 'assign') return assignee === null ? 'It is assigned to no user.' : `It is assigned to ${assignee}.`;
  if (actor !== null) return `${actor} ${DID[status]} at ${acted_at}.`;
  return status === 'resolved'
    ? `Its producer resolved this at ${last_seen_at}.`
    : `It is ${status}, and no user has acted on that.`;
}
