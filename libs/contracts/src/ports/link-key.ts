/** The key that links in messages are signed with: the notifier makes such links, and the gateway is led to by them. */
export abstract class LinkKey {
  /**
   * The same key for every reader, for as long as the store exists. Throws `Unavailable` within 400 ms when the store
   * is away.
   */
  abstract read(): Promise<string>;
}
