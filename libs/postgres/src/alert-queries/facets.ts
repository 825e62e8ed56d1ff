import type { EntityManager } from 'typeorm';
import type { AlertFacets, TenantId } from '@tocsin/contracts';
import type { AlertSelection } from '@tocsin/contracts/ports';
import type { AlertBounds } from './bounds';
import { countKinds, countsBy, type Kind } from './counts';

const FACETS = ['status', 'severity', 'service', 'type', 'tenant'] as const;
type Facet = (typeof FACETS)[number];

/**
 * The numbers beside each facet's values. Each facet counts with the conditions of all other facets, so that the user
 * sees what another value of it would show.
 */
export async function countFacets(
  manager: EntityManager,
  tenants: readonly TenantId[],
  selected: readonly TenantId[],
  selection: AlertSelection,
  bounds: AlertBounds,
): Promise<AlertFacets> {
  const others = { ...selection, status: null, severity: null, service: null, notService: [], type: null };
  const { rows, whole } = await countKinds(manager, tenants, others, bounds);
  const passes: Record<Facet, (kind: Kind) => boolean> = {
    status: ({ status }) => selection.status?.includes(status) ?? true,
    severity: ({ severity }) => selection.severity?.includes(severity) ?? true,
    service: ({ service }) => (selection.service?.includes(service) ?? true) && !selection.notService.includes(service),
    type: ({ type }) => selection.type?.includes(type) ?? true,
    tenant: ({ tenant_id }) => selected.includes(tenant_id),
  };
  const count = (facet: Facet) => {
    const others = FACETS.filter((other) => other !== facet);
    return countsBy(
      rows.filter((kind) => others.every((other) => passes[other](kind))),
      (kind) => kind[facet === 'tenant' ? 'tenant_id' : facet],
    );
  };
  return {
    status: count('status'),
    severity: count('severity'),
    service: count('service'),
    type: count('type'),
    tenant: count('tenant'),
    snoozed: countsBy(
      rows.filter(
        (kind) => kind.status === 'snoozed' && passes.service(kind) && passes.type(kind) && passes.tenant(kind),
      ),
      ({ severity }) => severity,
    ),
    complete: whole(selection.status),
  };
}
