/** The key that signs the links in messages. The notifier makes such links, and they lead to the gateway. */
export abstract class LinkKey {
  /**
   * The same key for every reader, as long as the store exists. Throws `Unavailable` within 400 ms when the store is
   * unreachable.
   */
  abstract read(): Promise<string>;
}
