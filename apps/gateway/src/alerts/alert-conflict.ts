import { Refused, type Alert, type AlertStatus } from '@tocsin/contracts';
import type { AttemptedAct } from '@tocsin/contracts/ports';

/** Somebody was first, or the producer was: the answer shows the alert as it is now. */
export class AlertConflict extends Refused {
  constructor(
    detail: string,
    readonly alert: Alert,
  ) {
    super('alert_conflict', detail);
    this.name = 'AlertConflict';
  }
}

const DID: Record<AlertStatus, string> = {
  firing: 'set this firing again',
  acknowledged: 'acknowledged this',
  snoozed: 'snoozed this',
  resolved: 'resolved this',
};

/** Who made the alert what it is, and when: why an act that asks for another status, or another assignee, is refused. */
export function conflictOf(alert: Alert, { act }: AttemptedAct): string {
  const { status, assignee, actor, acted_at, last_seen_at } = alert;
  if (act === 'assign') return assignee === null ? 'It is assigned to nobody.' : `It is assigned to ${assignee}.`;
  if (actor !== null) return `${actor} ${DID[status]} at ${acted_at}.`;
  return status === 'resolved'
    ? `Its producer resolved this at ${last_seen_at}.`
    : `It is ${status}, and nobody has acted on that.`;
}
