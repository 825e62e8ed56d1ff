import type { StreamEvent } from '@tocsin/contracts/wire';

/** A frame as it is passed on to listeners and to the other tabs. It is plain data. */
export interface Told {
  event: StreamEvent;
  data: unknown;
  /** The stream's position after the frame. */
  cursor: string;
  /** See `Heard.replayed`. */
  replayed: boolean;
  /** Whether it should be toasted at all; the leading tab chooses which tab does it. */
  toastable: boolean;
}
