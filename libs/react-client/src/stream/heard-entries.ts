import type { Entry } from '@tocsin/contracts/wire';

/**
 * Which entries were heard. A tenant's are numbered and come in order, so the highest number says it all; it is forgotten
 * when the tenant's history is replaced, because the numbers begin anew.
 */
export class HeardEntries {
  private readonly highest = new Map<string, number>();

  /** Whether the entry is new, which it is only once. */
  take({ tenant_id, seq }: Pick<Entry, 'tenant_id' | 'seq'>): boolean {
    if (seq <= (this.highest.get(tenant_id) ?? 0)) return false;
    this.highest.set(tenant_id, seq);
    return true;
  }

  forget(tenantId: string): void {
    this.highest.delete(tenantId);
  }
}
