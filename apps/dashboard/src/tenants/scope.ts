/** The most tenants that one stream or one request of the API covers. */
export const MOST_TENANTS = 32;

/** The tenants that an address names, as `?tenant=` has them. Empty: all of the user's. */
export const tenantsIn = (tenant: string): string[] => [...new Set(tenant.split(',').filter(Boolean))];

/** The `?tenant=` of a choice of tenants. */
export const tenantText = (tenants: readonly string[]): string => tenants.join(',');

/** Cuts a list of tenants into lists that one request may name. */
export function inRequests(tenants: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < tenants.length; at += MOST_TENANTS) parts.push(tenants.slice(at, at + MOST_TENANTS));
  return parts;
}

/**
 * The tenants that a stream follows when the user has more than one stream covers: those of the scope, then those that
 * it follows already, so that it is seldom opened anew, then the others in their order.
 */
export function followedOf(
  mine: readonly string[],
  scope: readonly string[],
  before: readonly string[] | undefined,
): string[] {
  const wanted = [...new Set([...scope, ...(before ?? []), ...mine])].filter((one) => mine.includes(one));
  const chosen = new Set(wanted.slice(0, MOST_TENANTS));
  // in the order of the user's tenants, so that the same tenants are the same stream
  return mine.filter((one) => chosen.has(one));
}
