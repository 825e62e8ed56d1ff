import { below } from '../base-path';
import type { Claims } from './session';

/** The timeout of a request for the session. */
const TIMEOUT_MS = 10_000;
const SESSION = below('/api/v1/session');

/** How people sign in through the gateway: there alone, or with a token as well. Null: not through the gateway. */
export const signInMode = (document: Document): string | null =>
  document.querySelector<HTMLMetaElement>('meta[name=tocsin-sign-in]')?.content || null;

/** The address that signs in and returns to the present one, which may name an alert. */
export const signInUrl = ({ pathname, search }: Location): string =>
  `${SESSION}/sign-in?return_to=${encodeURIComponent(pathname + search)}`;

/**
 * The session whose cookie this browser has; no script can read the cookie itself. Null: there is no session. Rejects
 * when the gateway does not know, or does not answer within 10 s.
 */
export async function readSession(get: typeof fetch = fetch): Promise<Claims | null> {
  const response = await ask(get, 'GET');
  if (response.status === 401) return null;
  if (!response.ok) throw new Error(`The session is not known (${response.status}).`);
  const { user_id, scopes, ends_at } = (await response.json()) as {
    user_id: string;
    scopes: string[];
    ends_at: string;
  };
  return { user: user_id, scopes, expiresAt: Date.parse(ends_at) };
}

/** Ends the session. Returns the address at which the provider ends its own; null when there is none. */
export async function endSession(get: typeof fetch = fetch): Promise<string | null> {
  const response = await ask(get, 'DELETE');
  if (!response.ok) throw new Error(`The session was not ended (${response.status}).`);
  return ((await response.json()) as { end_session_url: string | null }).end_session_url;
}

const ask = (get: typeof fetch, method: string): Promise<Response> =>
  get(SESSION, { method, cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
