import { Unavailable } from '../errors';
import { AccessChanges, type NewRevocation, type Revocation } from '../ports/access-changes';

/** Revocations in memory, for tests: they can be away, slow, late or restored from a backup. */
export class MemoryAccessChanges extends AccessChanges {
  readonly stored: Revocation[] = [];
  /** What `since` was asked for. */
  readonly asked: number[] = [];
  away = false;
  /** How many are told at a time. */
  pageSize = 5_000;
  /** Awaited by each `since`, after it has looked. */
  gate: Promise<void> = Promise.resolve();
  private lastId = 0;

  constructor(private readonly now: () => number = Date.now) {
    super();
  }

  async revoke(revocation: NewRevocation): Promise<void> {
    this.refuseWhileAway();
    this.add(revocation);
  }

  /** The same at once, also under an id that was drawn earlier. */
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

  /** As from a backup: those from `revocation_id` on never were, and their ids are drawn again. */
  restoreTo(revocation_id: number): void {
    this.stored.splice(0, Infinity, ...this.stored.filter((stored) => stored.revocation_id < revocation_id));
    this.lastId = revocation_id - 1;
  }

  async since(afterId: number): Promise<Revocation[]> {
    this.asked.push(afterId);
    this.refuseWhileAway();
    const known = this.stored.some(({ revocation_id }) => revocation_id === afterId);
    // whatever is below may have been late: every store may tell more than it must
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
