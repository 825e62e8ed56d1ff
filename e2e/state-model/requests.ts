import type { Alert } from '@tocsin/contracts/wire';
import type { Answer } from '../kit/http';
import type { Doing } from './acts';
import { type Door, unknownAlert } from './door';
import type { Asking, Fault } from './steps';

/** An act in the form of the request, and in the form that the model judges. */
export function asked(
  door: Door,
  { user, act, snoozeMs, assignee, from_assignee, note }: Asking,
): { doing: Doing; body: object } {
  const who = (name: 'me' | 'zoe' | null | undefined) => (name === 'me' ? door.user(user) : name);
  const until = snoozeMs === undefined ? undefined : new Date(Date.now() + snoozeMs).toISOString();
  return {
    doing: { user: door.user(user), act, until, assignee: who(assignee), from_assignee: who(from_assignee), note },
    body: { act, until, assignee, from_assignee, note },
  };
}

export interface Outcome {
  status: number;
  alert?: Alert;
}

export function outcomesOf({ json }: Answer): Map<string, Outcome> {
  const { alerts, refused } = json as unknown as { alerts: Alert[]; refused: { alert_id: string; code: string }[] };
  const outcomes = new Map<string, Outcome>(alerts.map((alert) => [alert.alert_id, { status: 200, alert }]));
  for (const { alert_id, code } of refused) outcomes.set(alert_id, { status: code === 'alert_conflict' ? 409 : 404 });
  return outcomes;
}

export function failing(door: Door, alertId: string, fault: Fault): Promise<Answer> {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const bodies: Partial<Record<Fault, object>> = {
    unknown_act: { act: 'silence' },
    unknown_field: { act: 'resolve', reason: 'done' },
    no_until: { act: 'snooze' },
    past_until: { act: 'snooze', until: at(-60_000) },
    far_until: { act: 'snooze', until: at(31 * 86_400_000) },
    no_note: { act: 'note' },
    no_assignee: { act: 'assign' },
  };
  const body = bodies[fault] ?? { act: 'resolve' };
  if (fault === 'unknown_alert') return door.act('ana', unknownAlert(), body);
  if (fault === 'no_scope') return door.act('ana', alertId, body, 'alerts:read');
  return door.act(fault === 'viewer' ? 'vic' : fault === 'foreign_user' ? 'eve' : 'ana', alertId, body);
}
