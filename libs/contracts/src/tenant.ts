declare const brand: unique symbol;

/** A tenant's id as its tenant service spells it: 1 to 64 of `A-Z a-z 0-9 . _ -`. */
export type TenantId = string & { readonly [brand]: 'TenantId' };

export const TENANT_ID_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

export function isTenantId(value: unknown): value is TenantId {
  return typeof value === 'string' && TENANT_ID_PATTERN.test(value);
}

export const tenantIdOf = (value: unknown): TenantId | null => (isTenantId(value) ? value : null);

/** A tenant that a user may see, with the user's role. */
export interface Membership {
  tenant_id: TenantId;
  /** The display name of the tenant; its id when it has no name. */
  name: string;
  role: string;
}
