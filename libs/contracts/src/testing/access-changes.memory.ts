import { Unavailable } from '../errors';
import { AccessChanges, type NewRevocation, type Revocation } from '../ports/access-changes';

/** Revocations in memory, for tests. The store can be away, slow, late or restored from a backup. */
export class MemoryAccessChanges extends AccessChanges {
  readonly stored: Revocation[] = [];
  /** The arguments of the calls of `since`. */
  readonly asked: number[] = [];
  away = false;
  /** How many revocations one call returns. */
  pageSize = 5_000;
  /** Each `since` waits for it after it has read the revocations. */
  gate: Promise<void> = Promise.resolve();
  private lastId = 0;

  constructor(private readonly now: () => number = Date.now) {
    super();
  }

  async revoke(revocation: NewRevocation): Promise<Revocation> {
    this.refuseWhileAway();
    return { ...this.add(revocation) };
  }

  /** Stores a revocation at once, if given under an id that was drawn earlier. */
  add({ user_id, tenant_id, jti, issued_before }: NewRevocation, revocation_id = this.drawId()): Revocation {
    const stored = {
      revocation_id,
      user_id,
      tenant_id: tenant_id ?? null,
      jti: jti ?? null,
      issued_before: issued_before ?? null,
      created_at: new Date(this.now()).toISOString(),
    };
    this.stored.push(stored);
    this.stored.sort((a, b) => a.revocation_id - b.revocation_id);
    return stored;
  }

  drawId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  /** Restores a backup: revocations from `revocation_id` on are gone, and their ids are drawn again. */
  restoreTo(revocation_id: number): void {
    this.stored.splice(0, Infinity, ...this.stored.filter((stored) => stored.revocation_id < revocation_id));
    this.lastId = revocation_id - 1;
  }

  async since(afterId: number): Promise<Revocation[]> {
    this.asked.push(afterId);
    this.refuseWhileAway();
    const known = this.stored.some(({ revocation_id }) => revocation_id === afterId);
    // a lower id may have been committed late: every store may return more than it must
    const below = known ? this.stored.filter(({ revocation_id }) => revocation_id <= afterId) : [];
    const behind = this.stored.filter(({ revocation_id }) => !known || revocation_id > afterId).slice(0, this.pageSize);
    const found = [...below, ...behind].map((stored) => ({ ...stored }));
    await this.gate;
    return found;
  }

  private refuseWhileAway(): void {
    if (this.away) throw new Unavailable('log', 'away');
  }
}
