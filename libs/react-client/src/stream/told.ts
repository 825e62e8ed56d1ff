import type { StreamEvent } from '@tocsin/contracts/wire';

/** A frame as it is told on: to listeners, and to the other tabs. Plain data. */
export interface Told {
  event: StreamEvent;
  data: unknown;
  /** The stream's position behind it. */
  cursor: string;
  /** See `Heard.replayed`. */
  replayed: boolean;
  /** Whether anybody should toast it at all; which of the tabs is another question. */
  toastable: boolean;
}
