import type { Alert, AlertAct, BulkActed, Problem } from '@tocsin/contracts/wire';
import type { AlertsApi } from './alerts-api';
import type { ApiProblem } from './api-problem';

/** An act that was refused or failed, and why. */
export interface ActRefused {
  alert_id: string;
  /**
   * `alert_conflict`: another user acted first. `unreachable`: the act may or may not have been done; it is safe to
   * send it again.
   */
  code: string;
  detail: string;
  problem: Problem | null;
}

export interface ActOutcome {
  /** The alerts as they are now. */
  alerts: Alert[];
  refused: ActRefused[];
}

/** Sends an act on alerts. Never rejects: `refused` lists the alerts on which the act failed. */
export const sendAct = (api: AlertsApi, alertIds: readonly string[], act: AlertAct): Promise<ActOutcome> =>
  alertIds.length === 1 ? actOnOne(api, alertIds[0]!, act) : actOnMany(api, alertIds, act);

async function actOnOne(api: AlertsApi, alertId: string, act: AlertAct): Promise<ActOutcome> {
  try {
    return { alerts: [await api.act(alertId, act)], refused: [] };
  } catch (error) {
    const { code, message, problem } = error as ApiProblem;
    return {
      alerts: problem?.alert ? [problem.alert] : [],
      refused: [{ alert_id: alertId, code, detail: message, problem }],
    };
  }
}

async function actOnMany(api: AlertsApi, alertIds: readonly string[], act: AlertAct): Promise<ActOutcome> {
  const { alerts, refused }: BulkActed = await api.actOnMany(alertIds, act);
  // the response does not show refused alerts as they are now: the stream tells that
  return { alerts, refused: refused.map((one) => ({ ...one, problem: null })) };
}
