import { useCallback, useMemo, useRef, useState } from 'react';
import type { Alert } from '@tocsin/contracts/wire';

export interface Selection {
  ids: ReadonlySet<string>;
  /** Whether any row is selected, as of now: it can be asked without a new render. */
  isAny(): boolean;
  toggle(id: string, how?: { range: boolean }): void;
  all(): void;
  none(): void;
}

/** The selected rows. With `range`, `toggle` selects all rows from the last toggled one to this one. */
export function useSelection(rows: readonly Alert[]): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const anchor = useRef<string | null>(null);
  const latest = useRef(rows);
  latest.current = rows;
  const chosen = useRef(ids);
  chosen.current = ids;
  const isAny = useCallback(() => chosen.current.size > 0, []);
  const toggle = useCallback((id: string, { range } = { range: false }) => {
    const order = latest.current.map(({ alert_id }) => alert_id);
    const [from, to] = [anchor.current ? order.indexOf(anchor.current) : -1, order.indexOf(id)];
    anchor.current = id;
    setIds((before) => {
      const next = new Set(before);
      if (range && from >= 0 && to >= 0)
        for (const one of order.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(one);
      else if (!next.delete(id)) next.add(id);
      return next;
    });
  }, []);
  const all = useCallback(() => setIds(new Set(latest.current.map(({ alert_id }) => alert_id))), []);
  const none = useCallback(() => {
    anchor.current = null;
    setIds((before) => (before.size === 0 ? before : new Set()));
  }, []);
  return useMemo(() => ({ ids, isAny, toggle, all, none }), [ids, isAny, toggle, all, none]);
}
