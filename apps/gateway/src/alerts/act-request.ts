import { ACTS, type Act } from '@tocsin/contracts';
import { didYouMean, readInstant, traceIdOf } from '@tocsin/messages';
import type { AttemptedAct } from '@tocsin/contracts/ports';
import { readJsonObject, refuseField, type Fields } from '../request/json-object';

/** 200 ids and a note. */
const MAX_BODY_BYTES = 16 * 1024;
export const MAX_ALERTS = 200;
export const MAX_NOTE_LENGTH = 2_000;
const MAX_SNOOZE_MS = 30 * 86_400_000;
/** 1 to 200 characters that can be seen, spaces between them. */
export const USER = /^(?! )\P{C}{1,200}(?<! )$/u;
const ALERT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const ACT_FIELDS = ['act', 'until', 'assignee', 'from_assignee', 'note'];

export const isAlertId = (text: unknown): text is string => typeof text === 'string' && ALERT_ID.test(text);

/** The body of `PATCH /api/v1/alerts/:id`, an `AlertAct`, as an act of `user` under a `traceparent`. Throws `Refused`. */
export const readAct = (body: Buffer, user: string, traceparent?: string): AttemptedAct =>
  actOf(readJsonObject(body, ACT_FIELDS, MAX_BODY_BYTES), user, traceparent);

/** The body of `PATCH /api/v1/alerts`, a `BulkAct`: each alert once, in the order in which they stand there. Throws `Refused`. */
export function readBulkAct(
  body: Buffer,
  user: string,
  traceparent?: string,
): { act: AttemptedAct; alertIds: string[] } {
  const fields = readJsonObject(body, ['alert_ids', ...ACT_FIELDS], MAX_BODY_BYTES);
  return { act: actOf(fields, user, traceparent), alertIds: alertIdsOf(fields) };
}

function alertIdsOf({ alert_ids }: Fields): string[] {
  if (!Array.isArray(alert_ids)) refuseField('/alert_ids', 'The ids of alerts are expected, as a list.');
  if (alert_ids.length === 0) refuseField('/alert_ids', 'The list holds no alert.', 'empty_batch');
  if (alert_ids.length > MAX_ALERTS)
    refuseField('/alert_ids', `At most ${MAX_ALERTS} alerts are acted on at once.`, 'batch_too_large');
  return [
    ...new Set(
      alert_ids.map((id: unknown, at) =>
        typeof id === 'string' ? id.toLowerCase() : refuseField(`/alert_ids/${at}`, 'The id of an alert is expected.'),
      ),
    ),
  ];
}

function actOf(fields: Fields, user: string, traceparent: string | undefined): AttemptedAct {
  const act = kindOf(fields);
  for (const [name, of] of [
    ['until', 'snooze'],
    ['assignee', 'assign'],
    ['from_assignee', 'assign'],
  ] as const) {
    if (fields[name] !== undefined && act !== of) refuseField(`/${name}`, `It goes with the act ${of}.`);
  }
  return {
    act,
    by: user,
    until: act === 'snooze' ? untilOf(fields) : null,
    assignee: act === 'assign' ? userOf(fields, 'assignee', user) : null,
    ...(fields.from_assignee !== undefined && { from_assignee: userOf(fields, 'from_assignee', user) }),
    note: noteOf(fields, act),
    trace_id: traceIdOf(traceparent),
  };
}

function kindOf({ act }: Fields): Act {
  const known = ACTS.find((one) => one === act);
  return (
    known ??
    refuseField('/act', `One of ${ACTS.join(', ')} is expected.${typeof act === 'string' ? didYouMean(act, ACTS) : ''}`)
  );
}

function untilOf({ until }: Fields): string {
  const instant = typeof until === 'string' ? readInstant(until) : undefined;
  const ahead = instant === undefined ? 0 : Date.parse(instant) - Date.now();
  if (instant === undefined || ahead <= 0 || ahead > MAX_SNOOZE_MS)
    refuseField('/until', 'A time in ISO 8601 is expected, in the future and at most 30 days ahead.');
  return instant;
}

function userOf(fields: Fields, name: 'assignee' | 'from_assignee', me: string): string | null {
  const value = fields[name];
  if (value === null) return null;
  if (typeof value !== 'string' || !USER.test(value))
    refuseField(
      `/${name}`,
      'A user of 1 to 200 printable characters is expected, me for yourself, or null for nobody.',
    );
  return value === 'me' ? me : value;
}

function noteOf({ note }: Fields, act: Act): string | null {
  if (note === undefined && act !== 'note') return null;
  if (typeof note !== 'string' || note.trim() === '' || note.length > MAX_NOTE_LENGTH)
    refuseField('/note', `1 to ${MAX_NOTE_LENGTH.toLocaleString('en')} characters are expected.`);
  return note.trim();
}
