import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useAlertsApi } from '@tocsin/react-client';
import type { Alert } from '@tocsin/contracts/wire';
import { placeOf, type MoveTo, type Place } from '../live/place';
import { isNamed, type NamedTenant } from '../tenants/tenant-order';
import { shownText } from '../words/shown-text';
import { usePreference } from './preferences';

/** The server is asked when the user has not typed for this time. */
const TYPED_MS = 200;
/** The server finds words of three characters or more by its index. */
const SHORTEST = 3;
const MOST = 6;

/** Something that the user goes to by a part of its name. */
export interface Goal {
  kind: 'view' | 'tenant' | 'alert';
  id: string;
  words: string;
  run(): void;
}

export interface Goals {
  goals: Goal[];
  /** What is known of the alerts: `short` means that the text is too short to be searched for. */
  alerts: 'short' | 'asked' | 'known' | 'failed';
}

export interface Where {
  /** Empty for a user with one tenant. */
  tenants: readonly NamedTenant[];
  place: Place;
  move: MoveTo;
  open(alertId: string): void;
}

/** Saved views, tenants and alerts that a text names: at most six of each, alerts the newest first. */
export function useFound(text: string, { tenants, place, move, open }: Where): Goals {
  const api = useAlertsApi();
  const [views] = usePreference('views');
  const wanted = text.trim();
  const q = useSettled(wanted);
  const isLong = wanted.length >= SHORTEST;
  const { data, isError } = useQuery({
    queryKey: ['found', q],
    enabled: isLong && q === wanted,
    queryFn: ({ signal }) => api.list({ q, limit: MOST }, signal).then(({ alerts }) => alerts),
  });
  if (wanted === '') return { goals: [], alerts: 'short' };
  const isAnswer = isLong && q === wanted;
  const nameOf = (id: string) => tenants.find(({ tenant_id }) => tenant_id === id)?.name;
  const alertWords = ({ title, tenant_id }: Alert) =>
    [shownText(title), nameOf(tenant_id)].filter((one) => one !== undefined).join(' · ');
  return {
    goals: [
      ...views
        .filter(({ name }) => isNamed({ tenant_id: '', name }, wanted))
        .slice(0, MOST)
        .map(({ name, at }): Goal => ({
          kind: 'view',
          id: `${name} ${at}`,
          words: name,
          run: () => move({ ...placeOf(at), alert: null, overview: null }),
        })),
      ...tenants
        .filter((one) => isNamed(one, wanted))
        .slice(0, MOST)
        .map(({ tenant_id, name }): Goal => ({
          kind: 'tenant',
          id: tenant_id,
          words: name || tenant_id,
          // from a part of the system, it leads back to the alerts
          run: () => move({ tenant: tenant_id, alert: null, overview: null, ...(place.system && { view: 'open' }) }),
        })),
      ...(isAnswer ? (data ?? []) : []).map((alert): Goal => ({
        kind: 'alert',
        id: alert.alert_id,
        words: alertWords(alert),
        run: () => open(alert.alert_id),
      })),
    ],
    alerts: !isLong ? 'short' : isAnswer && isError ? 'failed' : isAnswer && data ? 'known' : 'asked',
  };
}

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPED_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
