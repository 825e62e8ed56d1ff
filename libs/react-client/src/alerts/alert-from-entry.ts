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
 * missing unless the entry sets it, and so is what only older entries tell: see `isWhole`. An entry always carries the
 * alert's own fields, also a `stale` one: it sets what no newer message has set.
 */
export function alertAfter(before: Alert | undefined, entry: Entry): Alert {
  const { actor, acted_at } = setsActor(entry)
    ? { actor: entry.actor, acted_at: entry.actor === null ? null : entry.received_at }
    : { actor: before?.actor ?? null, acted_at: before?.acted_at ?? null };
  return alertOf(entry, { actor, acted_at, ...openingOf(before, entry), last_seq: entry.seq });
}

/** Since when the alert is open or resolved after the entry, and what it said while it was open. */
function openingOf(
  before: Alert | undefined,
  { status, previous, first_seen_at, received_at }: Entry,
): Pick<Alert, 'opened_at' | 'resolved_at' | 'while_open'> {
  const wasResolved = previous?.status === 'resolved';
  if (status !== 'resolved') {
    const opened_at = wasResolved ? received_at : previous === null ? first_seen_at : (before?.opened_at ?? null);
    return { opened_at, resolved_at: null, while_open: null };
  }
  const opened_at = previous === null ? first_seen_at : (before?.opened_at ?? null);
  if (wasResolved)
    return { opened_at, resolved_at: before?.resolved_at ?? null, while_open: before?.while_open ?? null };
  const said = before && before.status !== 'resolved' ? { title: before.title, message: before.message } : null;
  return { opened_at, resolved_at: received_at, while_open: said };
}

/** Whether this entry alone gives the complete alert, when the alert was not known before. */
const isWhole = ({ status, previous }: Entry): boolean =>
  previous === null || (previous.status === 'resolved' && status !== 'resolved');

/** Whether this entry gives the complete alert, together with what its entries have told of it before. */
export const isCompletedBy = (before: Alert | undefined, entry: Entry): boolean =>
  isWhole(entry) || (setsActor(entry) && before?.opened_at !== null && before?.opened_at !== undefined);
