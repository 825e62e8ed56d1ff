import { isTenantId, type Membership, type TenantId } from '@tocsin/contracts';

const MAX_NAME_LENGTH = 200;
const DEFAULT_ROLE = 'member';

/**
 * Reads a list of tenants: `{id, name?, role?}`, or bare ids. An item that is not a valid tenant id is left out, and so
 * is a duplicate. The result is ordered by id, so that equal sets of tenants always make the same list. Undefined when
 * the value is no such list at all.
 */
export function readMemberships(list: unknown): Membership[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const memberships = new Map<TenantId, Membership>();
  for (const item of list as unknown[]) {
    const { id, name, role } =
      typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : { id: item };
    const tenantId = typeof id === 'number' ? String(id) : id;
    if (!isTenantId(tenantId) || memberships.has(tenantId)) continue;
    memberships.set(tenantId, { tenant_id: tenantId, name: textOr(tenantId, name), role: textOr(DEFAULT_ROLE, role) });
  }
  return [...memberships.values()].sort((a, b) => (a.tenant_id < b.tenant_id ? -1 : 1));
}

const textOr = (otherwise: string, text: unknown): string =>
  typeof text === 'string' && text.trim() !== '' ? text.trim().toWellFormed().slice(0, MAX_NAME_LENGTH) : otherwise;
