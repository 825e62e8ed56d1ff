import { useSyncExternalStore } from 'react';

/** A saved view: a name, and in `at` the query of the page's address. */
interface SavedView {
  name: string;
  at: string;
}

/** What is kept of a user's tenants: the last choice, as `?tenant=` has it, and the ids of those that are pinned. */
export interface KeptTenants {
  last: string;
  pinned: readonly string[];
}

/** The user's choices in this browser. They contain no secret and no state of an alert. */
export interface Preferences {
  theme: 'system' | 'light' | 'dark';
  language: 'system' | 'en' | 'es';
  rows: 'comfortable' | 'compact';
  /** Whether alerts ring; `volume` is 0 to 1. */
  sound: boolean;
  volume: number;
  /**
   * Do not disturb until this time, in milliseconds. Null: off. -1: until it is turned off, because `Infinity` does not
   * survive JSON.
   */
  quietUntil: number | null;
  urgentThrough: boolean;
  desktop: boolean;
  strip: boolean;
  drawerWidth: number;
  /** The choice of the snooze menu that was used last. */
  snooze: string;
  views: readonly SavedView[];
  /** By the user's id. */
  tenants: Readonly<Record<string, KeptTenants>>;
}

const DEFAULTS: Preferences = {
  theme: 'system',
  language: 'system',
  rows: 'comfortable',
  sound: true,
  volume: 0.6,
  quietUntil: null,
  urgentThrough: true,
  desktop: false,
  strip: true,
  drawerWidth: 400,
  snooze: 'hour',
  views: [],
  tenants: {},
};

const READ: Record<string, (value: unknown) => unknown> = {
  quietUntil: quietFrom,
  views: viewsFrom,
  tenants: tenantsFrom,
};
const KEY = 'tocsin.preferences';
const listeners = new Set<() => void>();
let current = read();

/**
 * Reads the stored preferences. Only known names with a value of the right type count, because an older version may
 * have written them.
 */
function read(): Preferences {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>;
    const known = Object.entries(DEFAULTS).map(([name, value]) => [
      name,
      Object.hasOwn(READ, name)
        ? READ[name]!(stored[name])
        : typeof stored[name] === typeof value
          ? stored[name]
          : value,
    ]);
    return Object.fromEntries(known) as Preferences;
  } catch {
    return DEFAULTS; // no storage, or not our JSON
  }
}

/**
 * Reads a value that a type check alone cannot validate. A function declaration, because `read` uses it while the
 * module is loaded.
 */
function quietFrom(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function viewsFrom(value: unknown): SavedView[] {
  const isView = (one: unknown): one is SavedView =>
    typeof (one as SavedView | null)?.name === 'string' && typeof (one as SavedView).at === 'string';
  return Array.isArray(value) ? value.filter(isView).map(({ name, at }) => ({ name, at })) : [];
}

function tenantsFrom(value: unknown): Preferences['tenants'] {
  const isKept = ([, one]: [string, unknown]) =>
    typeof (one as KeptTenants | null)?.last === 'string' && Array.isArray((one as KeptTenants).pinned);
  return Object.fromEntries(Object.entries(value ?? {}).filter(isKept)) as Preferences['tenants'];
}

export const preferences = (): Preferences => current;

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // without storage they last until the page is closed
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  // a change in another tab counts in this one too
  const onStorage = (event: StorageEvent) => {
    if (event.key !== KEY) return;
    current = read();
    listener();
  };
  listeners.add(listener);
  window.addEventListener('storage', onStorage);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', onStorage);
  };
}

export function usePreference<K extends keyof Preferences>(name: K): [Preferences[K], (value: Preferences[K]) => void] {
  const value = useSyncExternalStore(subscribe, () => current[name]);
  return [value, (next) => setPreferences({ [name]: next })];
}

/** Whether do-not-disturb silences an alert now. `urgent`: the alert is urgent, which may pass. */
export function isQuiet(
  { quietUntil, urgentThrough }: Pick<Preferences, 'quietUntil' | 'urgentThrough'>,
  urgent: boolean,
  now: number,
): boolean {
  const quiet = quietUntil === -1 || (quietUntil !== null && quietUntil > now);
  return quiet && !(urgent && urgentThrough);
}
