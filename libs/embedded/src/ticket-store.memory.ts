import type { TicketStore } from '@tocsin/contracts/ports';

/** The redeemed tickets of one process. After a restart a redeemed ticket is refused only if it has expired. */
export class MemoryTicketStore implements TicketStore {
  private readonly redeemed = new Map<string, number>();

  constructor(private readonly now: () => number = Date.now) {}

  redeem(jti: string, expiresAt: Date): Promise<boolean> {
    // tickets live for seconds and are kept in the order of their use, so the expired ones come first
    for (const [old, expiry] of this.redeemed) {
      if (expiry > this.now()) break;
      this.redeemed.delete(old);
    }
    if (this.redeemed.has(jti)) return Promise.resolve(false);
    this.redeemed.set(jti, expiresAt.getTime());
    return Promise.resolve(true);
  }
}
