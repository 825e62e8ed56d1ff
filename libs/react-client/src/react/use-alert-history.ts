'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import type { Entry } from '@tocsin/contracts/wire';
import type { ApiProblem } from '../alerts/api-problem';
import { afterGap, withEntry, withPage, type HistoryPages } from './history-pages';
import { useAlertStream } from './hooks';
import { useClient } from './provider';

export interface AlertHistory {
  /** The entries of the alert, the newest first. */
  entries: readonly Entry[];
  loading: boolean;
  /** Why the last load failed; null when it did not. */
  error: ApiProblem | null;
  hasMore: boolean;
  /** Loads older entries. Never rejects: `error` says why it failed. */
  loadMore(): Promise<void>;
}

const PAGE = 20;

/** What happened to an alert, kept live. Another `alertId` begins anew. */
export function useAlertHistory(alertId: string): AlertHistory {
  const { api } = useClient();
  const [pages, setPages] = useState<HistoryPages>();
  const [failure, setFailure] = useState<{ of: string; error: ApiProblem } | null>(null);
  const [loading, setLoading] = useState(false);
  const mine = pages?.of === alertId ? pages : undefined;

  const load = useCallback(
    async (after: string | null, signal?: AbortSignal) => {
      setLoading(true);
      try {
        const page = await api.history(alertId, { limit: PAGE, ...(after && { after }) }, signal);
        if (signal?.aborted) return;
        setFailure(null);
        setPages((before) => withPage(before, alertId, page, after));
      } catch (error) {
        if (signal?.aborted) return;
        setFailure({ of: alertId, error: error as ApiProblem });
      }
      setLoading(false);
    },
    [api, alertId],
  );
  const asking = useRef<AbortController>(undefined);
  const reload = useCallback(() => {
    // an older first page that came after a newer one would leave a hole between them
    asking.current?.abort();
    asking.current = new AbortController();
    void load(null, asking.current.signal);
  }, [load]);
  useEffect(() => {
    reload();
    return () => asking.current?.abort();
  }, [reload]);
  useAlertStream({
    entry: (entry) => setPages((before) => withEntry(before, alertId, entry)),
    // what failed may succeed now
    connection: () => failure?.of === alertId && reload(),
    // entries may have been missed
    fresh: reload,
    gap: (gap) => {
      setPages((before) => afterGap(before, alertId, gap).known);
      if (afterGap(pages, alertId, gap).reload) reload();
    },
  });

  const next = mine?.next ?? null;
  return {
    entries: mine?.entries ?? [],
    loading,
    error: failure?.of === alertId ? failure.error : null,
    hasMore: next !== null,
    loadMore: useCallback(async () => (next === null ? undefined : load(next)), [next, load]),
  };
}
