import type { AlertType, Severity } from '@tocsin/contracts/wire';

/** Why a token is asked for: the first time, because the last one is about to expire, or because it was refused. */
export type TokenWish = 'first' | 'expiring' | 'refused';

/** Keeps a position over page loads: `localStorage`, `sessionStorage`, or an object with the same methods. */
export type PlaceStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/**
 * Which entries a stream tells. A field that is left out filters nothing. A change passes if its alert matched before
 * or after it.
 */
export interface StreamFilter {
  severity?: readonly Severity[];
  type?: readonly AlertType[];
  service?: readonly string[];
  name?: readonly string[];
  /** An alert must have all of these labels, with these values. */
  labels?: Readonly<Record<string, string>>;
}

export interface AlertStreamOptions {
  /** The stream's address. Default: `/api/events` on the page's own protocol and host. */
  url?: string;
  /** The REST API's address. Default: `v1` beside the stream, `/api/v1`. */
  apiUrl?: string;
  /**
   * The user's token, or a function that gets it; null says that no user is signed in. The function is called at the
   * start, again before the token expires (its `exp` is read), and once more when the token was refused. The token is
   * sent as `Authorization`, never in an address.
   */
  token?: string | ((wish: TokenWish) => string | null | Promise<string | null>);
  /**
   * Instead of a token: a function that gets a fresh single-use ticket for each attempt, from your own server; null
   * says that no user is signed in. With neither token nor ticket, the stream cookie of `POST
   * /api/events/ticket?mode=cookie` authenticates.
   */
  ticket?: () => string | null | Promise<string | null>;
  /**
   * The id of the user who is signed in. Default: `user_id`, else `sub`, of the token. Without either, nothing is kept
   * over page loads or shared among tabs.
   */
  user?: string;
  /** Some of the user's tenants. Default: all of them. */
  tenants?: readonly string[];
  filter?: StreamFilter;
  /** Where to begin when no position is kept: a cursor that the API gave with a list. Default: now. */
  from?: string;
  /**
   * Where the position is kept over page loads; null: it is not kept. Default: `sessionStorage`, in which each tab has
   * its own position.
   */
  storage?: PlaceStorage | null;
  /** Whether the browser's tabs share one connection, if it has Web Locks and BroadcastChannel. Default: true. */
  sharing?: boolean;
  /**
   * Whether the gateway is told when alerts whose traces are recorded were shown, so that it measures their whole way:
   * at most 50 in a request of every 2 s, and none for alerts without a trace. Default: false.
   */
  reportShown?: boolean;
  /** The `fetch` to use. Default: the browser's own. */
  fetch?: typeof fetch;
}
