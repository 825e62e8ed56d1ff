declare const brand: unique symbol;

/** A tenant's id as its tenant service spells it: 1 to 64 of `A-Z a-z 0-9 . _ -`. */
export type TenantId = string & { readonly [brand]: 'TenantId' };

export const TENANT_ID_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;

export function isTenantId(value: unknown): value is TenantId {
  return typeof value === 'string' && TENANT_ID_PATTERN.test(value);
}

export const tenantIdOf = (value: unknown): TenantId | null => (isTenantId(value) ? value : null);

/** A tenant that a user may see, and in which role. */
export interface Membership {
  tenant_id: TenantId;
  /** What people call the tenant; its id when nobody named it. */
  name: string;
  role: string;
}
