-- Computes what one message makes of an alert. It is a window aggregate over a batch: `running` is the state after the
-- message before, `stored` the alert as the batch found it, null when there was none.
--
-- The state is the producer's newest word, by the clock of the producer (`said_at`), so that the same messages lead to
-- the same state in whatever order they are stored. This holds for the status, the severity and each word separately:
-- the newest message that says a value decides it. Between messages of the same time, `resolved` wins over firing, the
-- higher severity over the lower one, and of words the greater one by bytes. A message does not change a value that it
-- does not say.
--
-- A message that is older than the newest one is `stale`: it does not ring, and it decides only values that no newer
-- message has said. A message without a time (`said_at` null) counts as new as the newest. A `snapshot` reports a
-- present state: when the alert is in that state already, it is a `duplicate` and no occurrence.
--
-- A repeat does not undo what a user did: the alert stays acknowledged or snoozed. When the producer changes the
-- status, that ends. A `resolve` by a user is not the producer's word, so a firing of the same time continues.
--
-- Repeats are counted in windows that do not slide: the first repeat opens a window, and the first repeat after its end
-- opens the next. Repeats beyond `fold_after` in a window are `folded`. Every other change of the alert gets an entry,
-- which tells how many repeats were folded before it. So a flood costs `fold_after` entries a window and one at its
-- end; with a `fold_after` of 0 only that one.
--
-- The words are a list, and `says` has a bit for each: 1 type, 2 name, 4 title, 8 message, 16 labels, 32 actions, 64
-- metadata, and from 512 on later words; 128 is the severity of a firing. Words that a message does not say still have
-- a value in it: the default that an alert without them would get. Only a firing says a severity: that of a `resolved`
-- holds until a firing says one. `said` has the same bits, and 256: the last message that was not stale said
-- `resolved`. An act of a user does not change that.
create or replace function evolve_alert(
  running alert_state, stored alert_state, ord integer, new_alert_id uuid, is_snapshot boolean, said_status text,
  said_severity text, said_at timestamptz, says integer, said_words text[], received timestamptz, fold_after integer,
  window_ends timestamptz
) returns alert_state
language plpgsql immutable parallel safe
-- no SET clause: it would be a large part of the cost of a call, and nothing outside pg_catalog is looked up here
as $$
declare
  state tocsin.alert_state := coalesce(running, stored);
  by_severity constant text[] := array['low', 'medium', 'high', 'urgent'];
  clock timestamptz := case when not is_snapshot then said_at end;
  over constant integer := case said_status when 'resolved' then 256 else 0 end;
  bit integer;
  is_newer boolean;
  wins integer := says;
  missing integer;
  severer boolean;
  times timestamptz[];
begin
  if state.alert_id is null then
    state.alert_id := new_alert_id;
    state.status := said_status;
    state.severity := said_severity;
    state.state_at := clock;
    state.occurrences := 1;
    state.first_seen_at := received;
    state.last_seen_at := received;
    state.change := case said_status when 'resolved' then 'resolved' else 'raised' end;
    state.window_repeats := 0;
    state.folded := 0;
    state.told := 0;
    state.said := says | over;
    state.newest := ord;
    state.describes := true;
    state.carries := false;
    state.words := said_words;
    state.shown := said_words;
    return state;
  end if;

  if is_snapshot and (said_status = 'resolved') = (state.status = 'resolved')
    and (says & 128 = 0 or said_severity = state.severity) then
    state.change := 'duplicate';
    return state;
  end if;

  state.previous_status := state.status;
  state.previous_severity := state.severity;
  state.occurrences := state.occurrences + 1;
  is_newer := clock is null or state.state_at is null or clock > state.state_at;

  -- the words: all bits but 128 and 256
  missing := state.said & ~384 & ~says;
  if is_newer and missing = 0 then
    state.carries := false;
    state.words := said_words;
    state.said_at := null;
  else
    state.carries := true;
    times := coalesce(state.said_at, array_fill(null::timestamptz, array[cardinality(said_words)]));
    for word in 1 .. cardinality(said_words) loop
      bit := case when word <= 7 then 1 << word - 1 else 1 << word + 1 end;
      if says & bit = 0 then
        -- the word stays, and so does its time when the time of the state advances
        if clock > state.state_at and state.said & bit > 0 then
          times[word] := coalesce(times[word], state.state_at);
        end if;
      elsif is_newer then
        times[word] := null;
      elsif state.said & bit = 0 or clock > coalesce(times[word], state.state_at)
         or (clock = coalesce(times[word], state.state_at)
         and said_words[word] collate "C" > state.words[word] collate "C") then
        times[word] := case when clock < state.state_at then clock end;
      else
        wins := wins & ~bit;
      end if;
      if wins & bit > 0 and word <> 3 then
        state.words[word] := said_words[word];
      end if;
    end loop;
    state.said_at := case when array_remove(times, null) <> '{}' then times end;
    -- without a title of its own an alert is called by its name, or else by its message
    if wins & 4 > 0
       or (says | state.said) & 4 = 0 and (wins & 2 > 0 or (says | state.said) & 2 = 0 and wins & 8 > 0) then
      state.words[3] := said_words[3];
    end if;
  end if;

  -- the severity: decided by a firing, or by the newest `resolved` when no firing has said one
  severer := array_position(by_severity, said_severity) > array_position(by_severity, state.severity);
  if says & 128 > 0 then
    if is_newer or state.said & 128 = 0 or clock > coalesce(state.severity_at, state.state_at)
       or (clock = coalesce(state.severity_at, state.state_at) and severer) then
      state.severity := said_severity;
      state.severity_at := case when clock < state.state_at then clock end;
    end if;
  elsif state.said & 128 = 0 then
    if is_newer or (clock = state.state_at and severer) then
      state.severity := said_severity;
    end if;
  elsif clock > state.state_at then
    state.severity_at := coalesce(state.severity_at, state.state_at);
  end if;

  -- the status
  if not is_newer and (clock < state.state_at
    or (said_status = 'firing' and state.status = 'resolved' and state.said & 256 > 0)) then
    state.change := 'stale';
  else
    state.said := state.said & ~256 | over;
    state.last_seen_at := received;
    if said_status = 'resolved' then
      state.change := 'resolved';
      state.status := 'resolved';
    elsif state.status = 'resolved' then
      state.change := 'reopened';
      state.status := 'firing';
    elsif state.severity <> state.previous_severity then
      state.change := case when severer then 'severity_raised' else 'severity_lowered' end;
    else
      if received < state.window_ends_at then
        state.window_repeats := state.window_repeats + 1;
      else
        state.window_ends_at := window_ends;
        state.window_repeats := 1;
      end if;
      -- without a window nothing is folded; the first repeat after a window tells of those that were folded in it
      state.change := case
        when state.window_repeats > fold_after and received < window_ends
          and (state.window_repeats > 1 or state.folded = 0) then 'folded'
        else 'repeated' end;
    end if;
    if state.change in ('resolved', 'reopened') then
      state.snoozed_until := null;
    end if;
    if state.status <> state.previous_status then
      state.actor := null;
      state.acted := null;
      state.acted_at := null;
    end if;
  end if;
  state.said := state.said | says;
  if is_newer and clock is not null then
    state.state_at := clock;
  end if;

  if state.change = 'folded' then
    state.folded := state.folded + 1;
    return state;
  end if;
  state.describes := state.change <> 'stale' or state.folded > 0 or wins & ~384 > 0;
  state.told := state.folded;
  state.folded := 0;
  state.newest := ord;
  state.previous_type := nullif(state.shown[1], state.words[1]);
  state.previous_name := case when state.shown[2] is distinct from state.words[2] then coalesce(state.shown[2], '') end;
  state.previous_labels := nullif(state.shown[5], state.words[5]);
  state.shown := state.words;
  return state;
end $$;

create or replace aggregate evolved(alert_state, integer, uuid, boolean, text, text, timestamptz, integer, text[],
  timestamptz, integer, timestamptz) (
  sfunc = evolve_alert,
  stype = alert_state
);

alter function evolve_alert owner to tocsin_definer;
alter aggregate evolved(alert_state, integer, uuid, boolean, text, text, timestamptz, integer, text[], timestamptz,
  integer, timestamptz) owner to tocsin_definer;
revoke all on function evolve_alert from public;
revoke all on function evolved(alert_state, integer, uuid, boolean, text, text, timestamptz, integer, text[],
  timestamptz, integer, timestamptz) from public;
