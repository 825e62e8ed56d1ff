import type { Problem } from '@tocsin/contracts/wire';

/** The timeout for the head of the response. The gateway sends it at once. */
const HEAD_TIMEOUT_MS = 15_000;
/** How many characters of a response that is no stream are parsed to learn why. */
const MAX_PROBLEM_LENGTH = 65_536;

export type Opened =
  | { kind: 'stream'; body: ReadableStream<Uint8Array> }
  /** A response that is no stream. `problem` is set when the gateway itself sent it; a proxy's page has none. */
  | { kind: 'answer'; status: number; problem: Problem | null; retryAfter: string | null };

interface StreamRequest {
  url: string;
  headers: Record<string, string>;
  /** Whether cookies go to another origin too, because the request has no other credential. */
  withCookies: boolean;
}

/**
 * Asks for a stream. Rejects when no response came: no network, no server, no head within 15 s, or `signal` was
 * aborted. The signal ends the body as well.
 */
export async function openResponse(
  get: typeof fetch,
  { url, headers, withCookies }: StreamRequest,
  signal: AbortSignal,
): Promise<Opened> {
  const attempt = new AbortController();
  const abort = () => attempt.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const late = setTimeout(() => attempt.abort(new Error('no answer')), HEAD_TIMEOUT_MS);
  try {
    if (signal.aborted) abort();
    const response = await get(url, {
      headers: { Accept: 'text/event-stream', ...headers },
      cache: 'no-store',
      credentials: withCookies ? 'include' : 'same-origin',
      signal: attempt.signal,
    });
    const type = response.headers.get('content-type') ?? '';
    if (response.status === 200 && /^text\/event-stream\b/i.test(type) && response.body)
      return { kind: 'stream', body: response.body };
    const problem = /^application\/problem\+json\b/i.test(type) ? await readProblem(response) : null;
    if (!problem) void response.body?.cancel().catch(() => undefined);
    return { kind: 'answer', status: response.status, problem, retryAfter: response.headers.get('retry-after') };
  } finally {
    clearTimeout(late);
  }
}

async function readProblem(response: Response): Promise<Problem | null> {
  try {
    const text = await response.text();
    const problem = JSON.parse(text.slice(0, MAX_PROBLEM_LENGTH)) as Problem;
    return typeof problem?.code === 'string' ? problem : null;
  } catch {
    return null;
  }
}
