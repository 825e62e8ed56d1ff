import { useCallback } from 'react';
import type { Alert, Severity } from '@tocsin/contracts/wire';
import { toggled } from '../search/search-syntax';
import { useWords } from '../words/words';
import type { InboxState } from './use-inbox';
import type { PageActs } from './use-keys';

const NONE: readonly Alert[] = [];

/** What keys and commands do on this page. */
export function usePageActs(inbox: InboxState): PageActs {
  const { t } = useWords();
  const { place, move, system, isOverview, hasTenants, tenants, grid, searchField, setSearching, setOverlay } = inbox;
  const { setPaused, showFresh } = inbox.listed;
  const { open, setSearch, showOverview } = inbox.moves;
  const toggleSeverity = useCallback(
    (severity: Severity) => setSearch(toggled(place.q, 'severity', severity)),
    [setSearch, place.q],
  );
  const togglePause = useCallback(() => setPaused((before) => !before), [setPaused]);
  const focusSearch = useCallback(() => {
    setSearching(true);
    requestAnimationFrame(() => searchField.current?.focus());
  }, [setSearching, searchField]);
  return {
    // no key acts on an alert that is not on the screen
    rows: system ? NONE : inbox.rows,
    find: (id) => inbox.store.get(id),
    selection: inbox.selection,
    selected: system ? NONE : inbox.selected,
    mayAct: inbox.mayAct,
    me: inbox.me,
    acts: inbox.acts,
    t,
    place,
    move,
    tenants: hasTenants ? tenants.all : [],
    open,
    showFresh,
    sendTest: inbox.test.send,
    snooze: inbox.snooze,
    current: place.alert ?? (system || isOverview ? null : inbox.current),
    togglePause,
    show: setOverlay,
    focusRow: (id) => grid.current?.focusRow(id),
    focusSearch,
    toggleSeverity,
    toggleOverview: hasTenants ? () => (isOverview ? move({ overview: null }) : showOverview()) : undefined,
  };
}
