import type { ConnectionFrame, Entry } from '@tocsin/contracts/wire';
import { readCursor } from './position';

/** The progress of a replay, which begins with a `connection` frame and ends where the event log stood at that time. */
export class CatchingUp {
  /** By tenant: the sequence number that the replay ends with. */
  private readonly until = new Map<string, number>();
  private readonly onlyTenant: string | undefined;

  /** `cursor` is the `id` of the `connection` frame, the position where the replay starts. */
  constructor({ tenants }: ConnectionFrame, cursor: string) {
    this.onlyTenant = tenants.length === 1 ? tenants[0]!.tenant_id : undefined;
    const from = this.numbers(cursor);
    for (const { tenant_id, behind = 0 } of tenants)
      if (behind > 0) this.until.set(tenant_id, (from.get(tenant_id) ?? 0) + behind);
  }

  /** Ends the replay of a tenant: its position was reset, maybe into another history, whose numbers begin again. */
  end(tenantId: string): void {
    this.until.delete(tenantId);
  }

  /** Whether the entry had happened before the stream was opened. */
  isReplayed({ tenant_id, seq }: Pick<Entry, 'tenant_id' | 'seq'>): boolean {
    return seq <= (this.until.get(tenant_id) ?? 0);
  }

  /** How many entries of the event log are still to come when the stream is at `cursor`. */
  leftAt(cursor: string): number {
    if (this.until.size === 0) return 0;
    const at = this.numbers(cursor);
    return [...this.until].reduce((sum, [tenant, until]) => sum + Math.max(0, until - (at.get(tenant) ?? 0)), 0);
  }

  private numbers(cursor: string): Map<string, number> {
    return new Map([...readCursor(cursor)].map(([tenant, { seq }]) => [tenant || (this.onlyTenant ?? ''), seq]));
  }
}
