import type { CloseFrame, ConnectionFrame, Entry, HeartbeatFrame, ResetFrame } from '@tocsin/contracts/wire';
import type { Gap } from './status';

/** What can be listened to by name: the seven events of the protocol, and three of our own. */
export interface StreamEventMap {
  connection: ConnectionFrame;
  inventory_alert: Entry;
  notification: Entry;
  alert_update: Entry;
  heartbeat: HeartbeatFrame;
  reset: ResetFrame;
  close: CloseFrame;
  /** Each entry, under whichever of its three names it came. */
  entry: Entry;
  /** Entries were missed for good. */
  gap: Gap;
  /** The stream begins here for these tenants: what was before it was not told. Load the list. */
  fresh: { tenants: readonly string[] };
}
export type StreamEventName = keyof StreamEventMap;

/** How an event was heard. */
export interface Heard {
  /** It happened before the stream was live: it belongs into a list, not into a toast. */
  replayed: boolean;
  /** This tab is the one, of those that share the connection, that should toast and ring. Never true of what is replayed. */
  notify: boolean;
  /** The stream's position behind it. */
  cursor: string | null;
}

export type StreamListener<E extends StreamEventName> = (data: StreamEventMap[E], heard: Heard) => void;
/** Listeners by event name, any of them. */
export type StreamListeners = { [E in StreamEventName]?: StreamListener<E> };
