/** The key with which the processors and gateways of one system sign their hints, unless one is configured. */
export abstract class HintKey {
  /**
   * The same key for every reader, for as long as the store exists. Throws `Unavailable` within 400 ms when the store
   * is away.
   */
  abstract read(): Promise<string>;
}
