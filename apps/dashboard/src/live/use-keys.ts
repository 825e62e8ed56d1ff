import { useEffect, useRef } from 'react';
import { SEVERITIES, type Alert, type AlertAct, type Severity } from '@tocsin/contracts/wire';
import type { Acts } from '../acts/use-acts';
import type { Command } from '../settings/commands';
import { listenToKeys, type KeyMap } from '../settings/keys';
import { isQuiet, preferences, setPreferences } from '../settings/preferences';
import { switchTheme } from '../settings/use-theme';
import type { NamedTenant } from '../tenants/tenant-order';
import type { Words } from '../words/words';
import { VIEWS, type MoveTo, type Place } from './place';
import type { Selection } from './use-selection';

const HOUR_MS = 3_600_000;
/** For how many frames a note waits for its field, about two seconds. */
const NOTE_FRAMES = 120;

/** Everything that keys and commands need of the page. */
export interface PageActs {
  rows: readonly Alert[];
  /** An alert that is shown beside the rows: in a group, or because a link led to it. */
  find(alertId: string): Alert | undefined;
  /** The id of the open alert, else of the row with the focus. */
  current: string | null;
  selection: Selection;
  selected: readonly Alert[];
  mayAct: boolean;
  me: string;
  acts: Acts;
  t: Words;
  place: Place;
  move: MoveTo;
  /** The tenants that the user can go to; empty for a user with one. */
  tenants: readonly NamedTenant[];
  open(alertId: string | null): void;
  togglePause(): void;
  show(overlay: 'keys' | 'commands' | 'tenants'): void;
  showFresh(): void;
  sendTest: (() => void) | null;
  snooze(alerts: readonly Alert[]): void;
  focusRow(alertId: string): void;
  focusSearch(): void;
  toggleSeverity(severity: Severity): void;
  /** Undefined for a user with one tenant. */
  toggleOverview: (() => void) | undefined;
}

/** The alerts that a key acts on: the selected ones, else the open alert, else the row with the focus. */
function meant({ rows, current, selected, find }: PageActs): readonly Alert[] {
  if (selected.length > 0) return selected;
  const one = rows.find(({ alert_id }) => alert_id === current) ?? (current === null ? undefined : find(current));
  return one ? [one] : [];
}

function step(page: PageActs, by: 1 | -1, extend: boolean): void {
  const { rows, current, selection, place } = page;
  const at = rows.findIndex(({ alert_id }) => alert_id === current);
  const next = rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
  if (!next) return;
  if (extend) {
    if (current && !selection.ids.has(current)) selection.toggle(current);
    if (!selection.ids.has(next.alert_id)) selection.toggle(next.alert_id);
  }
  page.focusRow(next.alert_id);
  // the details follow, so that the user can read the next alert without closing them
  if (place.alert) page.open(next.alert_id);
}

function toggleQuiet(): void {
  const { quietUntil } = preferences();
  setPreferences({
    quietUntil: isQuiet({ quietUntil, urgentThrough: false }, false, Date.now()) ? null : Date.now() + HOUR_MS,
  });
}

/** Does the act of a key. On one acknowledged alert, A takes the acknowledgement back. */
function actOf(page: PageActs, act: AlertAct): void {
  const alerts = meant(page);
  const [first] = alerts;
  if (!page.mayAct || !first) return;
  page.acts.perform(
    alerts,
    act.act === 'acknowledge' && alerts.length === 1 && first.status === 'acknowledged'
      ? { act: 'unacknowledge' }
      : act,
    page.selection.none,
  );
}

function assign(page: PageActs): void {
  const [first] = meant(page);
  if (first) actOf(page, { act: 'assign', assignee: first.assignee === page.me ? null : 'me' });
}

function note(page: PageActs): void {
  const [first] = meant(page);
  if (!first) return;
  page.open(first.alert_id);
  // the details may have to be loaded
  const focus = (framesLeft: number) => {
    const field = document.querySelector<HTMLInputElement>('[data-note]');
    if (field) field.focus();
    else if (framesLeft > 0) requestAnimationFrame(() => focus(framesLeft - 1));
  };
  requestAnimationFrame(() => focus(NOTE_FRAMES));
}

function escape({ selection, place, open, toggleOverview }: PageActs): void {
  if (selection.ids.size > 0) selection.none();
  else if (place.alert) open(null);
  else if (place.overview) toggleOverview?.();
}

function keysOf(page: PageActs): KeyMap {
  const { current, selection, move } = page;
  const down = () => step(page, 1, false);
  const up = () => step(page, -1, false);
  const openCurrent = () => current && page.open(current);
  const views = Object.fromEntries(
    VIEWS.map((view) => [`g ${view[0]}`, () => move({ view, alert: null, overview: null })]),
  );
  const severities = Object.fromEntries(
    SEVERITIES.map((severity, index) => [String(index + 1), () => page.toggleSeverity(severity)]),
  );
  return {
    ...views,
    ...severities,
    'g t': () => page.show('tenants'),
    'g v': page.toggleOverview,
    j: down,
    ArrowDown: down,
    k: up,
    ArrowUp: up,
    'Shift+j': () => step(page, 1, true),
    'Shift+ArrowDown': () => step(page, 1, true),
    'Shift+k': () => step(page, -1, true),
    'Shift+ArrowUp': () => step(page, -1, true),
    Home: () => page.rows[0] && page.focusRow(page.rows[0].alert_id),
    End: () => page.rows.length > 0 && page.focusRow(page.rows.at(-1)!.alert_id),
    Enter: openCurrent,
    o: openCurrent,
    Escape: () => escape(page),
    x: () => current && selection.toggle(current),
    'Mod+a': selection.all,
    a: () => actOf(page, { act: 'acknowledge' }),
    r: () => actOf(page, { act: 'resolve' }),
    'Shift+r': () => actOf(page, { act: 'reopen' }),
    s: () => page.mayAct && page.snooze(meant(page)),
    m: () => assign(page),
    n: () => note(page),
    z: page.acts.undo,
    '/': page.focusSearch,
    '.': page.showFresh,
    p: page.togglePause,
    d: toggleQuiet,
    t: switchTheme,
    '?': () => page.show('keys'),
    'Mod+k': () => page.show('commands'),
  };
}

/** The same acts, for the command palette. */
export function commandsOf(page: PageActs): Command[] {
  const { t, move, sendTest } = page;
  const keys = keysOf(page);
  const command = (words: string, key: string, shown = key.toUpperCase()): Command => ({
    words,
    keys: shown,
    run: () => keys[key]?.(),
  });
  return [
    ...VIEWS.map((view): Command => ({
      words: t(`view.${view}`),
      keys: `G ${view[0]!.toUpperCase()}`,
      run: () => move({ view, alert: null, overview: null }),
    })),
    ...SEVERITIES.map((severity, index) => command(t(`severity.${severity}`), String(index + 1))),
    command(t('act.acknowledge'), 'a'),
    command(t('act.resolve'), 'r'),
    command(t('act.snooze'), 's'),
    command(t('act.assign'), 'm'),
    command(t('keys.undo'), 'z'),
    ...(page.toggleOverview ? [command(t('keys.tenants'), 'g t'), command(t('keys.overview'), 'g v')] : []),
    command(t('nav.search'), '/'),
    command(t('keys.showNew'), '.'),
    command(t('pause'), 'p'),
    command(t('quiet.label'), 'd'),
    command(t('settings.theme'), 't'),
    command(t('keys.title'), '?'),
    ...(sendTest ? [{ words: t('settings.test'), run: sendTest }] : []),
  ];
}

/** Listens to keys while the component is mounted. */
export function useKeys(page: PageActs): void {
  const latest = useRef(page);
  useEffect(() => void (latest.current = page));
  useEffect(() => listenToKeys(document, () => keysOf(latest.current)), []);
}
