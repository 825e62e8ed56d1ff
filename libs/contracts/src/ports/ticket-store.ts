/**
 * Makes tickets single-use. A ticket is signed and carries its own claims, so nothing is stored when one is issued.
 * What is stored, until the ticket has expired, is that it was redeemed.
 */
export abstract class TicketStore {
  /**
   * True for the first use of a ticket, false for every later one, on any gateway. Of two at once exactly one gets
   * true. Throws `Unavailable` when that cannot be decided within 600 ms.
   */
  abstract redeem(jti: string, expiresAt: Date): Promise<boolean>;
}
