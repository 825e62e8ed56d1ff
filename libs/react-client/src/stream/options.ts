import type { AlertType, Severity } from '@tocsin/contracts/wire';

/** Why a token is asked for: the first time, because the last one is about to expire, or because it was refused. */
export type TokenWish = 'first' | 'expiring' | 'refused';

/** Keeps a position over page loads: `localStorage`, `sessionStorage`, or something alike. */
export type PlaceStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Which entries a stream tells. What is left out asks for all. A change passes if its alert matched before or after it. */
export interface StreamFilter {
  severity?: readonly Severity[];
  type?: readonly AlertType[];
  service?: readonly string[];
  name?: readonly string[];
  /** All of them. */
  labels?: Readonly<Record<string, string>>;
}

export interface AlertStreamOptions {
  /** Where the stream is. Default `/api/events` on the page's own protocol and host. */
  url?: string;
  /** Where the REST API is. Default: `v1` beside the stream, `/api/v1`. */
  apiUrl?: string;
  /**
   * The user's token, or how to get it; null says that nobody is signed in. A function is asked at the start, again in good
   * time before the token expires (its `exp` is read), and once more when it was refused. Sent as `Authorization`, never in an address.
   */
  token?: string | ((wish: TokenWish) => string | null | Promise<string | null>);
  /**
   * Instead of a token: a fresh single-use ticket for each attempt, from your own server. With neither, the stream cookie of
   * `POST /api/events/ticket?mode=cookie` is what signs in.
   */
  ticket?: () => string | null | Promise<string | null>;
  /** Who is signed in. Default: `user_id`, else `sub`, of the token. Without either, nothing is kept over page loads or shared among tabs. */
  user?: string;
  /** Some of the user's tenants. Default: all of them. */
  tenants?: readonly string[];
  filter?: StreamFilter;
  /** Where to begin when no position is kept: a cursor that the API gave with a list. Default: now. */
  from?: string;
  /** Where the position is kept over page loads; null: nowhere. Default `sessionStorage`: a tab comes back to its own place. */
  storage?: PlaceStorage | null;
  /** Whether the browser's tabs share one connection, where it has Web Locks and BroadcastChannel. Default true. */
  sharing?: boolean;
  /** Default the browser's own. */
  fetch?: typeof fetch;
}
