-- What one message makes of an alert. A window aggregate over a batch: `running` is the state after the message before it,
-- `stored` the alert as the batch found it, null when there was none.
--
-- The producer's clock guards the state: a message older than the one that last set status or severity is `stale`; at the
-- same time `resolved` wins. Every message counts as an occurrence, stale ones too; a stale one changes nothing else.
-- A repeat leaves alone what a person did: the alert stays acknowledged or snoozed. Once its producer changes the status,
-- nobody has.
--
-- Repeats are counted in windows that do not slide: the first repeat opens one, the first after its end the next. Beyond
-- `fold_after` in a window they are `folded`. Whatever else happens to the alert gets an entry, which tells how many were
-- folded before it. So a flood costs `fold_after` entries a window, and one at its end; with a `fold_after` of 0 that one alone.
create or replace function evolve_alert(
  running alert_state, stored alert_state, new_alert_id uuid, said_status text, said_severity text, said_at timestamptz, received timestamptz,
  fold_after integer, window_ends timestamptz
) returns alert_state
language plpgsql immutable parallel safe
-- no SET clause: it would be a good part of what a call costs, and nothing here is looked up but what pg_catalog has
as $$
declare
  state tocsin.alert_state := coalesce(running, stored);
  by_severity constant text[] := array['low', 'medium', 'high', 'urgent'];
begin
  if state.alert_id is null then
    state.alert_id := new_alert_id;
    state.status := said_status;
    state.severity := said_severity;
    state.state_at := said_at;
    state.occurrences := 1;
    state.first_seen_at := received;
    state.last_seen_at := received;
    state.change := case said_status when 'resolved' then 'resolved' else 'raised' end;
    state.window_repeats := 0;
    state.folded := 0;
    state.told := 0;
    return state;
  end if;

  state.previous_status := state.status;
  state.previous_severity := state.severity;
  state.occurrences := state.occurrences + 1;
  if said_at < state.state_at or (said_at = state.state_at and said_status = 'firing' and state.status = 'resolved') then
    state.change := 'stale';
  else
    state.last_seen_at := received;
    if said_status = 'resolved' then
      state.change := 'resolved';
      state.status := 'resolved';
    elsif state.status = 'resolved' then
      state.change := 'reopened';
      state.status := 'firing';
      state.severity := said_severity;
    elsif said_severity <> state.severity then
      state.change := case
        when array_position(by_severity, said_severity) > array_position(by_severity, state.severity) then 'severity_raised'
        else 'severity_lowered' end;
      state.severity := said_severity;
    else
      if received < state.window_ends_at then
        state.window_repeats := state.window_repeats + 1;
      else
        state.window_ends_at := window_ends;
        state.window_repeats := 1;
      end if;
      -- without a window nothing is folded; and the first repeat behind one tells of those that were folded in it
      if state.window_repeats > fold_after and received < window_ends and (state.window_repeats > 1 or state.folded = 0) then
        state.change := 'folded';
        state.folded := state.folded + 1;
        return state;
      end if;
      state.change := 'repeated';
    end if;
    if state.change <> 'repeated' then
      state.state_at := said_at;
    end if;
    if state.change in ('resolved', 'reopened') then
      state.snoozed_until := null;
    end if;
    if state.status <> state.previous_status then
      state.actor := null;
      state.acted_at := null;
    end if;
  end if;
  state.told := state.folded;
  state.folded := 0;
  return state;
end $$;

create or replace aggregate evolved(alert_state, uuid, text, text, timestamptz, timestamptz, integer, timestamptz) (
  sfunc = evolve_alert,
  stype = alert_state
);

alter function evolve_alert owner to tocsin_definer;
alter aggregate evolved(alert_state, uuid, text, text, timestamptz, timestamptz, integer, timestamptz) owner to tocsin_definer;
revoke all on function evolve_alert from public;
revoke all on function evolved(alert_state, uuid, text, text, timestamptz, timestamptz, integer, timestamptz) from public;
