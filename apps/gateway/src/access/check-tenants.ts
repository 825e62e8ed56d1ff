import { Refused, type AlertMessage, type TenantId } from '@tocsin/contracts';

/** Throws `Refused` (`tenant_forbidden`) at the first message of a tenant that its sender's token does not publish for. */
export function checkTenants(messages: readonly Pick<AlertMessage, 'tenant_id'>[], publishesFor: (tenant: TenantId) => boolean): void {
  const at = messages.findIndex(({ tenant_id }) => !publishesFor(tenant_id));
  if (at < 0) return;
  const errors = [{ pointer: `/${at}/tenant_id`, code: 'tenant_forbidden' as const, detail: 'Not a tenant of this token.' }];
  throw new Refused('tenant_forbidden', 'The token does not publish for this tenant.', { errors });
}
