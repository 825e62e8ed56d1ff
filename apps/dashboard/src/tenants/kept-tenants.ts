import { usePreference, type KeptTenants } from '../settings/preferences';

const NONE: KeptTenants = { last: '', pinned: [] };

/** What this browser keeps of a user's tenants, and a function that changes it. */
export function useKeptTenants(user: string): [KeptTenants, (change: Partial<KeptTenants>) => void] {
  const [all, setAll] = usePreference('tenants');
  const kept = all[user] ?? NONE;
  return [kept, (change) => setAll({ ...all, [user]: { ...kept, ...change } })];
}
