import { patched, type Patch } from '../faults/built-copy';
import type { Stack } from '../kit/stack';

/** A state rule that is broken on purpose: the model must find it. `file`: the function in the database. */
export interface StateMutant {
  name: string;
  patch: Patch;
}

const evolveAlert = (name: string, search: string, replace: string): StateMutant => ({
  name,
  patch: { file: 'evolve_alert', search, replace },
});

export const STATE_MUTANTS: readonly StateMutant[] = [
  evolveAlert(
    'a newest time that only changes move, and repeats do not',
    'if is_newer and clock is not null then state.state_at := clock;',
    `if is_newer and clock is not null and state.change not in ('repeated', 'folded') then state.state_at := clock;`,
  ),
  evolveAlert(
    'a firing that wins over the `resolved` of the same instant',
    'if not is_newer and (clock < state.state_at or (',
    `if not is_newer and (clock < state.state_at or (clock = state.state_at and said_status = 'resolved') or (false and `,
  ),
  evolveAlert(
    'a bare `resolved` that takes the labels away',
    'missing := state.said & ~384 & ~says;',
    `missing := case said_status when 'firing' then state.said & ~384 & ~says else 0 end;`,
  ),
  evolveAlert(
    'a message without a clock that is compared by the time of its receipt',
    'clock timestamptz := case when not is_snapshot then said_at end;',
    'clock timestamptz := case when not is_snapshot then coalesce(said_at, received) end;',
  ),
  evolveAlert(
    'a repeated snapshot that is counted',
    `state.change := 'duplicate';`,
    `state.change := 'repeated'; state.occurrences := state.occurrences + 1; state.newest := ord;`,
  ),
  evolveAlert(
    'a late message that does not fill in what no newer one has said',
    'elsif state.said & bit = 0 or clock > coalesce(times[word], state.state_at)',
    'elsif clock > coalesce(times[word], state.state_at)',
  ),
  {
    name: "an act that passes for another of the same user's which ends in the same status",
    patch: { file: 'act_on_alerts', search: 'and coalesce(a.acted, made) = made', replace: '' },
  },
];

/** Puts a broken function in the place of a whole one. Resolves to what puts the whole one back. */
export async function broken(stack: Stack, { patch }: StateMutant): Promise<() => Promise<unknown>> {
  const [whole] = await stack.sql<{ text: string }>(
    `select pg_get_functiondef(oid) as text from pg_proc where proname = $1 and pronamespace = 'tocsin'::regnamespace`,
    [patch.file],
  );
  await stack.sql(patched(whole!.text, patch));
  return () => stack.sql(whole!.text);
}
