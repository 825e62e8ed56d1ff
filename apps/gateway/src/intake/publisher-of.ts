import type { VerifiedToken } from '@tocsin/auth';
import type { Publisher } from './publish-events';

/** A token that names its tenants publishes for no other. */
export function publisherOf(token: VerifiedToken, claim: string | undefined, request: Pick<Publisher, 'traceparent' | 'waitMs'>): Publisher {
  const named = claim ? token.claims[claim] : undefined;
  if (!Array.isArray(named)) return { ...request, by: token.user_id, publishesFor: () => true };
  const allowed = new Set(named.map((tenant: unknown) => (typeof tenant === 'object' && tenant !== null ? String((tenant as { id?: unknown }).id) : String(tenant))));
  return { ...request, by: token.user_id, publishesFor: (tenant) => allowed.has(tenant) };
}
