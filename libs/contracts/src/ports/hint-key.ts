/** The key that the processors and gateways of one system sign their hints with, unless they are configured with one. */
export abstract class HintKey {
  /** Throws `Unavailable` within 400 ms when the store is away. The same for every reader, for as long as the store lives. */
  abstract read(): Promise<string>;
}
