import { Unavailable } from '@tocsin/contracts';
import type { TicketStore } from '@tocsin/contracts/ports';
import { SPENT_MARGIN_MS, TICKET_LIFETIME_S } from './tickets';

/**
 * Single-use tickets in a first store, and in a second while the first is away. Neither knows what the other was shown, so
 * a ticket that may have been shown to one is not left to the other:
 *
 * - issued before the first went away, and shown while it is: nobody can say, so `Unavailable`. Its page asks for a new one,
 *   which is decided by the second.
 * - issued before the first came back, and shown after: good only if it is the first time in both.
 *
 * So a ticket opens one stream, with the first store up or down, as long as it remembers and gateways agree on when it was
 * away. What is left: a first store that restarts with its memory gone, and a gateway that cannot reach a first store that
 * others still use (or that noticed nothing of its absence, because no ticket was shown to it meanwhile). Then a ticket
 * that somebody overheard can be used once more within its 30 s.
 *
 * Answers in the time of both stores together when the first is found to be away, in that of the second once this is known.
 */
export class FallbackTicketStore implements TicketStore {
  /** Since when the first store is away; undefined while it answers. Epoch milliseconds. */
  private awaySince: number | undefined;
  /** When it was back the last time. Epoch milliseconds. */
  private backAt = -Infinity;

  constructor(
    private readonly first: TicketStore,
    private readonly second: TicketStore,
    private readonly now: () => number = Date.now,
  ) {}

  async redeem(jti: string, expiresAt: Date): Promise<boolean> {
    // or later: a ticket that ends with its token lives shorter
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
