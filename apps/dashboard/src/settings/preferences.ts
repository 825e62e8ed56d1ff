import { useSyncExternalStore } from 'react';

/** A search under a name. `at` is the address's query: what is saved is a link. */
interface SavedView {
  name: string;
  at: string;
}

/** What a person has chosen on this browser. It is no secret and no state of an alert. */
export interface Preferences {
  theme: 'system' | 'light' | 'dark';
  language: 'system' | 'en' | 'es';
  rows: 'comfortable' | 'compact';
  /** Whether alerts may be heard, and how loud, 0 to 1. */
  sound: boolean;
  volume: number;
  /** Do not disturb until this moment, in milliseconds; `Infinity` does not survive JSON, hence null for never and -1 for until turned off. */
  quietUntil: number | null;
  urgentThrough: boolean;
  desktop: boolean;
  strip: boolean;
  drawerWidth: number;
  views: readonly SavedView[];
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
  views: [],
};

const READ: Record<string, (value: unknown) => unknown> = { quietUntil: quietFrom, views: viewsFrom };
const KEY = 'tocsin.preferences';
const listeners = new Set<() => void>();
let current = read();

/** Whatever is stored, only known names with a value of the right kind count: an older page may have written it. */
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
    return DEFAULTS; // no storage, or none of ours
  }
}

/** How what has more than a plain kind is read. A declaration, so that it is there for the first reading. */
function quietFrom(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function viewsFrom(value: unknown): SavedView[] {
  const isView = (one: unknown): one is SavedView =>
    typeof (one as SavedView | null)?.name === 'string' && typeof (one as SavedView).at === 'string';
  return Array.isArray(value) ? value.filter(isView).map(({ name, at }) => ({ name, at })) : [];
}

export const preferences = (): Preferences => current;

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // a browser without storage keeps them until it is closed
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  // another tab's choice is this one's too
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

/** Whether it is quiet now, for an alert that is urgent or is not. */
export function isQuiet(
  { quietUntil, urgentThrough }: Pick<Preferences, 'quietUntil' | 'urgentThrough'>,
  urgent: boolean,
  now: number,
): boolean {
  const quiet = quietUntil === -1 || (quietUntil !== null && quietUntil > now);
  return quiet && !(urgent && urgentThrough);
}
