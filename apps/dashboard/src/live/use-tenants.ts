import { useCallback, useEffect, useMemo, useState } from 'react';
import type { StreamStatus } from '@tocsin/react-client';

interface Tenants {
  all: readonly { tenant_id: string; name: string }[];
  /** A tenant's name; null when the user has only one tenant, whose name need not be shown. */
  nameOf(tenantId: string): string | null;
  /** The name of the tenant to which the user lost access while the page was open; null: none. */
  revoked: string | null;
  dismiss(): void;
}

/** The user's tenants, as the stream lists them. A tenant that disappears from the list is reported as `revoked`. */
export function useTenants({ tenants }: StreamStatus): Tenants {
  const [known, setKnown] = useState(tenants);
  const [revoked, setRevoked] = useState<string | null>(null);
  useEffect(() => {
    if (tenants.length === 0 || tenants === known) return;
    const lost = known.find(({ tenant_id }) => !tenants.some((one) => one.tenant_id === tenant_id));
    if (lost) setRevoked(lost.name || lost.tenant_id);
    setKnown(tenants);
  }, [tenants, known]);
  const shown = tenants.length > 0 ? tenants : known;
  const all = useMemo(() => shown.map(({ tenant_id, name }) => ({ tenant_id, name: name || tenant_id })), [shown]);
  const nameOf = useCallback(
    (tenantId: string) =>
      all.length > 1 ? (all.find(({ tenant_id }) => tenant_id === tenantId)?.name ?? tenantId) : null,
    [all],
  );
  return { all, nameOf, revoked, dismiss: () => setRevoked(null) };
}
