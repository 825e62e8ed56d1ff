import { alertOf, type Alert, type Entry } from '@tocsin/contracts/wire';

/**
 * Whether an entry sets the alert's actor: the user whose act changed the status, or null when the producer or a timer
 * changed it.
 */
function setsActor({ change, actor, status, previous }: Entry): boolean {
  if (actor !== null) return change !== 'assigned' && change !== 'noted';
  return previous === null || previous.status !== status;
}

/**
 * The alert after an entry, as the API would return it. `before` is the alert as it was known. Without it, the actor is
 * missing unless the entry sets it: see `isWhole`. An entry always carries the alert's own fields, also a `stale` one:
 * it sets what no newer message has set.
 */
export function alertAfter(before: Alert | undefined, entry: Entry): Alert {
  const { actor, acted_at } = setsActor(entry)
    ? { actor: entry.actor, acted_at: entry.actor === null ? null : entry.received_at }
    : { actor: before?.actor ?? null, acted_at: before?.acted_at ?? null };
  return alertOf(entry, { actor, acted_at, last_seq: entry.seq });
}

/** Whether this entry alone gives the complete alert, when the alert was not known before. */
export const isWhole = (entry: Entry): boolean => setsActor(entry);
