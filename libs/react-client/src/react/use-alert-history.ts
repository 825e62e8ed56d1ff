'use client';

import { useCallback, useEffect, useState } from 'react';
import type { Entry } from '@tocsin/contracts/wire';
import type { ApiProblem } from '../alerts/api-problem';
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
  const [pages, setPages] = useState<{ of: string; entries: readonly Entry[]; next: string | null }>();
  const [failure, setFailure] = useState<{ of: string; error: ApiProblem } | null>(null);
  const [loading, setLoading] = useState(false);
  const mine = pages?.of === alertId ? pages : undefined;

  const load = useCallback(
    async (after: string | null, signal?: AbortSignal) => {
      setLoading(true);
      try {
        const page = await api.history(alertId, { limit: PAGE, ...(after && { after }) }, signal);
        setFailure(null);
        setPages((before) => {
          // older entries of an alert that is no longer shown
          if (after !== null && before?.of !== alertId) return before;
          const known = before?.of === alertId ? before.entries : [];
          // the first page replaces what is known, except for entries that arrived while it was loaded
          const kept = after ? known : known.filter(({ seq }) => seq > (page.events[0]?.seq ?? 0));
          return { of: alertId, entries: merged(kept, page.events), next: page.next };
        });
      } catch (error) {
        if (signal?.aborted) return;
        setFailure({ of: alertId, error: error as ApiProblem });
      }
      setLoading(false);
    },
    [api, alertId],
  );
  useEffect(() => {
    const asking = new AbortController();
    void load(null, asking.signal);
    return () => asking.abort();
  }, [load]);
  useAlertStream({
    entry: (entry) =>
      entry.alert_id === alertId &&
      setPages((before) => {
        const known = before?.of === alertId ? before : { of: alertId, entries: [], next: null };
        return { ...known, entries: merged(known.entries, [entry]) };
      }),
    // entries may have been missed
    fresh: () => void load(null),
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

/** Both, each entry once, the newest first. */
function merged(before: readonly Entry[], more: readonly Entry[]): Entry[] {
  const bySeq = new Map([...before, ...more].map((entry) => [entry.seq, entry]));
  return [...bySeq.values()].sort((a, b) => b.seq - a.seq);
}
