import type { CloseFrame, ConnectionFrame, Entry, HeartbeatFrame, ResetFrame } from '@tocsin/contracts/wire';
import type { Gap } from './status';

/**
 * The events of a stream by name: the seven of the protocol, and three of the client's own (`entry`, `gap`, `fresh`).
 */
export interface StreamEventMap {
  connection: ConnectionFrame;
  inventory_alert: Entry;
  notification: Entry;
  alert_update: Entry;
  heartbeat: HeartbeatFrame;
  reset: ResetFrame;
  close: CloseFrame;
  /** Each entry, whichever of the three event names it came under. */
  entry: Entry;
  /** Entries were missed for good. */
  gap: Gap;
  /** The stream begins now for these tenants and tells nothing from before: load the list. */
  fresh: { tenants: readonly string[] };
}
export type StreamEventName = keyof StreamEventMap;

/** How an event was heard. */
export interface Heard {
  /** The entry happened before the stream was opened: show it in a list, not in a toast. */
  replayed: boolean;
  /**
   * Whether this tab should toast and ring: of the tabs that share the connection, one does. False for entries replayed
   * after an absence of 30 s or more.
   */
  notify: boolean;
  /** The stream's position after the event. */
  cursor: string | null;
}

export type StreamListener<E extends StreamEventName> = (data: StreamEventMap[E], heard: Heard) => void;
/** Listeners by event name; each is optional. */
export type StreamListeners = { [E in StreamEventName]?: StreamListener<E> };
