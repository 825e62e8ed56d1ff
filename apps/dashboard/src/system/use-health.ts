import { useQuery } from '@tanstack/react-query';
import { ApiProblem, useAlertsApi } from '@tocsin/react-client';
import type { SystemHealth } from '@tocsin/contracts/wire';

/** How often the visible page asks, in milliseconds: the gateway checks its services as often. */
const LOOK_EVERY_MS = 5_000;

/** The health as of the last answer, and why the last question had none; null: it had one. */
export function useHealth(): { health: SystemHealth | undefined; error: Error | null } {
  const api = useAlertsApi();
  const { data, error } = useQuery({
    queryKey: ['health'],
    queryFn: ({ signal }) => api.call<SystemHealth>('GET', '/health', { signal }),
    // what the server refuses for good is not asked for again
    refetchInterval: ({ state }) => (state.error instanceof ApiProblem && !state.error.passes ? false : LOOK_EVERY_MS),
    refetchOnWindowFocus: true,
    networkMode: 'always',
  });
  return { health: data, error };
}
