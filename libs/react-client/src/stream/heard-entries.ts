import type { Entry } from '@tocsin/contracts/wire';

/**
 * Which entries were heard. A tenant's entries are numbered and come in order, so the highest number is enough. It is
 * forgotten when the tenant's history is replaced, because the numbers then begin again.
 */
export class HeardEntries {
  private readonly highest = new Map<string, number>();

  /** Marks the entry as heard. Returns whether it is new: true only the first time. */
  take({ tenant_id, seq }: Pick<Entry, 'tenant_id' | 'seq'>): boolean {
    if (seq <= (this.highest.get(tenant_id) ?? 0)) return false;
    this.highest.set(tenant_id, seq);
    return true;
  }

  forget(tenantId: string): void {
    this.highest.delete(tenantId);
  }
}
