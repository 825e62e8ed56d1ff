import { readToken } from './session';

/** The timeout of a request for a token. */
const TIMEOUT_MS = 10_000;

/**
 * The address from which the page gets tokens, a path of this origin, as set in the gateway (`PAGE_TOKEN_URL`). Null:
 * users paste their own.
 */
export const tokenUrl = (document: Document): string | null =>
  document.querySelector<HTMLMetaElement>('meta[name=tocsin-token-url]')?.content || null;

/**
 * A fresh token for the user who is signed in at this origin. Null: no user is signed in (401, 403, or the redirect of
 * a login proxy). Rejects when the response has no token, or none came within 10 s.
 */
export async function tokenFrom(url: string, get: typeof fetch = fetch): Promise<string | null> {
  const response = await get(url, {
    credentials: 'same-origin',
    cache: 'no-store',
    redirect: 'manual',
    headers: { Accept: 'application/json, text/plain' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.type === 'opaqueredirect' || response.status === 401 || response.status === 403) return null;
  const token = response.ok ? tokenOf(await response.text()) : null;
  if (token === null || readToken(token, Date.now()) === 'malformed')
    throw new Error(`${url} gave no token (${response.status}).`);
  return token;
}

function tokenOf(text: string): string | null {
  try {
    const { access_token, token } = JSON.parse(text) as Record<string, unknown>;
    const said = access_token ?? token;
    return typeof said === 'string' ? said : null;
  } catch {
    return text.trim();
  }
}
