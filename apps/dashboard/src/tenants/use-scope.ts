import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { MoveTo } from '../live/place';
import { preferences, setPreferences } from '../settings/preferences';
import { tenantsIn, tenantText } from './scope';

export interface Scope {
  /** The chosen tenants; empty: all. */
  tenants: readonly string[];
  /** The tenants that requests name; undefined: all of the user's. */
  asked: readonly string[] | undefined;
  includes(tenantId: string): boolean;
  /** Makes the page about these tenants (none: all), and keeps that as the user's last choice. */
  choose(tenants: readonly string[]): void;
}

/**
 * The tenants that the whole page is about. `followed`: the tenants of the stream, if it does not follow all. A page
 * that is opened without anything in its address has the user's last choice, without the tenants that are no longer the
 * user's. `known`: the tenants of the user; empty while they are not known.
 */
export function useScope(
  tenant: string,
  user: string,
  followed: readonly string[] | undefined,
  known: readonly { tenant_id: string }[],
  move: MoveTo,
): Scope {
  const isFirst = useRef(true);
  const last = preferences().tenants[user]?.last ?? '';
  const isKept = isFirst.current && location.search === '' && last !== '';
  // an effect is too late for the first request, and a place may be changed only in an effect
  const text = isKept ? last : tenant;
  useEffect(() => {
    isFirst.current = false;
    if (isKept) move({ tenant: last }, { replace: true });
    // only for the address with which the page was opened
  }, []);
  const tenants = useMemo(() => tenantsIn(text), [text]);
  useEffect(() => {
    if (followed || known.length === 0 || tenantText(tenants) !== last) return;
    const mine = tenants.filter((one) => known.some(({ tenant_id }) => tenant_id === one));
    if (mine.length === tenants.length) return;
    const kept = preferences().tenants;
    setPreferences({ tenants: { ...kept, [user]: { ...kept[user]!, last: tenantText(mine) } } });
    move({ tenant: tenantText(mine) }, { replace: true });
  }, [followed, known, tenants, last, user, move]);
  const includes = useCallback((one: string) => tenants.length === 0 || tenants.includes(one), [tenants]);
  const choose = useCallback(
    (chosen: readonly string[]) => {
      const kept = preferences().tenants;
      const chosenText = tenantText(chosen);
      setPreferences({ tenants: { ...kept, [user]: { pinned: kept[user]?.pinned ?? [], last: chosenText } } });
      move({ tenant: chosenText, alert: null });
    },
    [user, move],
  );
  return useMemo(
    () => ({ tenants, asked: tenants.length > 0 ? tenants : followed, includes, choose }),
    [tenants, followed, includes, choose],
  );
}
