import { Unavailable } from '@tocsin/contracts';
import type { TicketStore } from '@tocsin/contracts/ports';
import { SPENT_MARGIN_MS, TICKET_LIFETIME_S } from './tickets';

/**
 * Single-use tickets in a first store, and in a second store while the first is away. Neither store knows which tickets
 * the other has redeemed, so a ticket that one store may have seen is not decided by the other alone:
 *
 * - A ticket that was issued before the first store went away and is redeemed during the outage: it may have been used
 *   before, so `Unavailable`. The page asks for a new ticket, which the second store decides.
 * - A ticket that was issued before the first store came back and is redeemed after that: it must be new in both
 *   stores.
 *
 * So a ticket opens one stream, with the first store up or down, as long as the first store keeps its memory and the
 * gateways agree on when it was away. Two cases are left. The first store restarts without its memory. Or one gateway
 * cannot reach a first store that others still use, or did not notice the outage because no ticket was redeemed
 * meanwhile. Then a stolen ticket can be used once more within its 30 s.
 *
 * A call takes the time of both stores when it finds the first one away, and the time of the second once this is known.
 */
export class FallbackTicketStore implements TicketStore {
  /** When the first store went away; undefined while it answers. Epoch milliseconds. */
  private awaySince: number | undefined;
  /** When the first store came back the last time. Epoch milliseconds. */
  private backAt = -Infinity;

  constructor(
    private readonly first: TicketStore,
    private readonly second: TicketStore,
    private readonly now: () => number = Date.now,
  ) {}

  async redeem(jti: string, expiresAt: Date): Promise<boolean> {
    // the true time may be later: a ticket that ends with its token lives shorter
    const issuedAt = expiresAt.getTime() - SPENT_MARGIN_MS - TICKET_LIFETIME_S * 1000;
    let isFirst: boolean;
    try {
      isFirst = await this.first.redeem(jti, expiresAt);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      this.awaySince ??= error.since?.getTime() ?? this.now();
      if (issuedAt <= this.awaySince) throw error;
      return this.second.redeem(jti, expiresAt);
    }
    if (this.awaySince !== undefined) {
      this.awaySince = undefined;
      this.backAt = this.now();
    }
    return isFirst && (issuedAt > this.backAt || (await this.second.redeem(jti, expiresAt)));
  }
}
