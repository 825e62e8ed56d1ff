import { alertOf, type Alert, type Entry } from '@tocsin/contracts/wire';

/** Whether an entry sets who last changed the status: a person by an act, or nobody, where the producer or time changes it. */
function setsActor({ change, actor, status, previous }: Entry): boolean {
  if (actor !== null) return change !== 'assigned' && change !== 'noted';
  return previous === null || previous.status !== status;
}

/**
 * The alert after an entry, as the API would give it. `before` is the alert as it was known; without it, what only a person's
 * act tells is missing unless the entry is that act: see `isWhole`. The words of an entry are the alert's own, also those of a
 * `stale` one: it decides what no newer message has said.
 */
export function alertAfter(before: Alert | undefined, entry: Entry): Alert {
  const { actor, acted_at } = setsActor(entry)
    ? { actor: entry.actor, acted_at: entry.actor === null ? null : entry.received_at }
    : { actor: before?.actor ?? null, acted_at: before?.acted_at ?? null };
  return alertOf(entry, { actor, acted_at, last_seq: entry.seq });
}

/** Whether an alert that was not known before is whole after this entry. */
export const isWhole = (entry: Entry): boolean => setsActor(entry);
