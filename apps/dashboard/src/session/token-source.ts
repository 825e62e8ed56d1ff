import { readToken } from './session';

/** How long whoever gives tokens may take. */
const TIMEOUT_MS = 10_000;

/** Where the page gets tokens, if its gateway was told (`PAGE_TOKEN_URL`): a path of this origin. Null: people bring theirs. */
export const tokenUrl = (document: Document): string | null =>
  document.querySelector<HTMLMetaElement>('meta[name=tocsin-token-url]')?.content || null;

/**
 * A fresh token for whoever is signed in at this origin; null: nobody is, which a login proxy says with a redirect. Rejects when
 * nothing is to be had at present.
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
