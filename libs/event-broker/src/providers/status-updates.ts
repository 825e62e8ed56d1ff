import { isIgnored, type StatusChange } from '../event-provider';
import { claimsTable, millis, quotedTable } from './event-table';

/**
 * Changes the status of events, and gives claims up, in one step. `$1` and `$2` are the lists that `updatedJson` makes.
 */
export const updateEvents = (table: string): string => `
with given_up as (
  update ${claimsTable(table)} as c set outcome = 'failed'
  from json_to_recordset($2::json) as g (id text, "group" text, claimant text)
  where c.event_id = g.id and c.group_name = g."group" and c.claimant = g.claimant
)
update ${quotedTable(table)} as e
set status = g.status, error = g.error, retry_count = coalesce(g.retry_count, e.retry_count),
  processed_at = coalesce(g.processed_at, e.processed_at), completed_at = coalesce(g.completed_at, e.completed_at)
from json_to_recordset($1::json) as g (id text, status text, error text, retry_count int,
  processed_at timestamptz, completed_at timestamptz)
where e.id = g.id and not (e.status = 'failed' and g.status <> 'failed')`;

/**
 * Completes a dead letter, unless it has failed once more since it was redriven. Parameters: id, retry count, the
 * instant of completion, and in milliseconds the instant of the failure that was redriven.
 */
export const completeRedriven = (table: string): string => `
update ${quotedTable(table)} as e
set status = 'completed', error = null, retry_count = $2, completed_at = $3::timestamptz
where e.id = $1 and e.status = 'failed' and ${millis('completed_at')} is not distinct from $4::text`;

/** What is to be written of all changes of one event. */
interface LastChange extends Omit<StatusChange, 'at' | 'given_up'> {
  processed_at?: Date;
  completed_at?: Date;
}

/** The parameters of `updateEvents`. Of several changes of one event the last counts, with the times of all of them. */
export function updatedJson(changes: readonly StatusChange[]): [events: string, claims: string] {
  const last = new Map<string, LastChange>();
  for (const { at, given_up: _, ...change } of changes) {
    const before = last.get(change.id);
    if (isIgnored({ ...change, at }, before?.status)) continue;
    last.set(change.id, {
      ...change,
      retry_count: change.retry_count ?? before?.retry_count,
      processed_at: change.status === 'processing' ? at : before?.processed_at,
      completed_at: change.status === 'completed' || change.status === 'failed' ? at : before?.completed_at,
    });
  }
  const givenUp = changes.flatMap(({ id, given_up }) =>
    (given_up?.groups ?? []).map((group) => ({ id, group, claimant: given_up!.claimant })),
  );
  return [JSON.stringify([...last.values()]), JSON.stringify(givenUp)];
}
