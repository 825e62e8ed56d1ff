/**
 * Makes tickets single-use. A ticket is signed and carries its own claims, so nothing is kept when one is issued; what
 * is kept, until the ticket has expired, is that it was redeemed.
 */
export abstract class TicketStore {
  /**
   * True the first time a ticket is shown, false ever after, on whichever gateway. Of two at once one gets true.
   * Throws `Unavailable` when that cannot be decided within 600 ms.
   */
  abstract redeem(jti: string, expiresAt: Date): Promise<boolean>;
}
