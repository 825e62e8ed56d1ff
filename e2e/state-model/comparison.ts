import { isDeepStrictEqual } from 'node:util';
import type { Alert, Entry } from '@tocsin/contracts/wire';
import type { ModelAlert } from './model';

/** The system and the documentation differ. */
export class Difference extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'Difference';
  }
}

/** Compares an alert with the listed one, and throws `Difference`. */
export function compareAlert(alert: ModelAlert, shown: Alert): void {
  const { alertId, status, occurrences, assignee, snoozedUntil, actor, dedupKey, service, lastSeq } = alert;
  const expected: Partial<Alert> = {
    alert_id: alertId,
    status,
    severity: alert.severity.value,
    occurrences,
    assignee,
    snoozed_until: snoozedUntil,
    actor,
    dedup_key: dedupKey,
    service,
    last_seq: lastSeq,
    // the description of a flood's last message appears at the end of its window at the latest
    ...(alert.folded === 0 && describedAs(alert)),
  };
  const wrong = differing(expected, shown);
  if ((shown.acted_at === null) !== (actor === null))
    wrong.push(`acted_at: ${shown.acted_at}, and the actor is ${actor}`);
  if (shown.last_seen_at < shown.first_seen_at)
    wrong.push(`last seen at ${shown.last_seen_at}, before ${shown.first_seen_at}`);
  if (wrong.length > 0) throw new Difference(`${nameOf(alert)} as it is listed:\n  ${wrong.join('\n  ')}`);
}

/** The documents promise no wording for a title that no message has set. */
export function describedAs(alert: ModelAlert): Partial<Alert> {
  const { title, ...rest } = alert.words.description;
  return title === undefined ? rest : { title, ...rest };
}

/**
 * The filtered fields that differ from the entry before: a change passes if it matched before it or matches after it.
 */
export function whatWasAnother({ shown, words: { description } }: ModelAlert): object {
  const fields = ['type', 'name', 'labels'] as const;
  return Object.fromEntries(
    fields
      .filter((field) => !isDeepStrictEqual(shown?.[field], description[field]))
      .map((field) => [field, shown?.[field]]),
  );
}

export function differing<T extends object>(expected: Partial<T>, actual: T): string[] {
  return Object.entries(expected).flatMap(([name, value]) => {
    const there = actual[name as keyof T];
    return isDeepStrictEqual(value, there)
      ? []
      : [`${name}: ${JSON.stringify(there)}, and by the documents ${JSON.stringify(value)}`];
  });
}

export const nameOf = ({ service, dedupKey, alertId }: ModelAlert): string => `${service}/${dedupKey ?? alertId}`;
export const inShort = ({ seq, change, event_id, service, dedup_key, received_at }: Entry): string =>
  JSON.stringify({ seq, change, event_id, service, dedup_key, received_at });
