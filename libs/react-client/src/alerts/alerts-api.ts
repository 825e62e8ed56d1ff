import type {
  Alert,
  AlertAct,
  AlertMessageBody,
  AlertPage,
  AlertSearch,
  AlertStats,
  BulkActed,
  EntryPage,
  Problem,
  SeenCursor,
  TenantsPage,
} from '@tocsin/contracts/wire';
import type { Credential } from '../stream/credential';
import { retryAfterMs } from '../stream/retry-delay';
import { ApiProblem } from './api-problem';

/** How long an answer may take. */
const TIMEOUT_MS = 15_000;
/** What the API takes at once. */
const MAX_BULK = 200;

type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/**
 * Typed calls of the REST API. Each rejects with an `ApiProblem` and with nothing else, an abort of `signal` apart. A token that
 * was refused is asked for once more.
 */
export class AlertsApi {
  constructor(
    /** `/api/v1`, without a slash at its end. */
    private readonly url: string,
    private readonly credential: Credential,
    private readonly get: typeof fetch = (...request) => globalThis.fetch(...request),
  ) {}

  /** A page of alerts. */
  list(search: AlertSearch = {}, signal?: AbortSignal): Promise<AlertPage> {
    return this.call('POST', '/alerts/search', { body: search, signal });
  }

  alert(alertId: string, signal?: AbortSignal): Promise<Alert> {
    return this.call('GET', `/alerts/${encodeURIComponent(alertId)}`, { signal });
  }

  /** The entries of one alert, the newest first. */
  history(alertId: string, page: { after?: string; limit?: number } = {}, signal?: AbortSignal): Promise<EntryPage> {
    return this.call('GET', `/alerts/${encodeURIComponent(alertId)}/history`, { query: page, signal });
  }

  /** A tenant's log behind a position. */
  entries(
    query: {
      tenant?: readonly string[];
      after?: string;
      limit?: number;
      severity?: readonly string[];
      service?: readonly string[];
      type?: readonly string[];
    } = {},
    signal?: AbortSignal,
  ): Promise<EntryPage> {
    return this.call('GET', '/events', { query, signal });
  }

  stats(
    query: { tenant?: readonly string[]; from?: string; to?: string; buckets?: number } = {},
    signal?: AbortSignal,
  ): Promise<AlertStats> {
    return this.call('GET', '/stats', { query, signal });
  }

  tenants(signal?: AbortSignal): Promise<TenantsPage> {
    return this.call('GET', '/tenants', { signal });
  }

  act(alertId: string, act: AlertAct): Promise<Alert> {
    return this.call('PATCH', `/alerts/${encodeURIComponent(alertId)}`, { body: act });
  }

  /** The same for many. More than the API takes at once go one call after the other; a call that fails leaves its alerts, and those behind it, refused with its code. */
  async actOnMany(alertIds: readonly string[], act: AlertAct): Promise<BulkActed> {
    const all: BulkActed = { alerts: [], refused: [] };
    for (let at = 0; at < alertIds.length; at += MAX_BULK) {
      try {
        const { alerts, refused } = await this.call<BulkActed>('PATCH', '/alerts', {
          body: { ...act, alert_ids: alertIds.slice(at, at + MAX_BULK) },
        });
        all.alerts.push(...alerts);
        all.refused.push(...refused);
      } catch (error) {
        const { code, message } = error as ApiProblem;
        all.refused.push(...alertIds.slice(at).map((alert_id) => ({ alert_id, code, detail: message })));
        break;
      }
    }
    return all;
  }

  /** How far this user has seen, on any device. */
  seen(signal?: AbortSignal): Promise<SeenCursor> {
    return this.call('GET', '/me/cursor', { signal });
  }

  /** Says how far: by a stream's cursor, or tenant by tenant. It never goes back. */
  markSeen(cursor: string | SeenCursor): Promise<SeenCursor> {
    return this.call('PUT', '/me/cursor', { body: typeof cursor === 'string' ? { cursor } : cursor });
  }

  /** Publishes a message, with a token that may (scope `events:publish`). */
  publish(message: AlertMessageBody): Promise<unknown> {
    return this.call('POST', '/events', { body: message });
  }

  /** Any call of the API, for what has no method here. `path` begins with a slash. */
  async call<T>(
    method: string,
    path: string,
    { query, body, signal }: { query?: Query; body?: unknown; signal?: AbortSignal } = {},
  ): Promise<T> {
    const first = await this.answer(method, path + queryText(query), body, signal);
    if (first.status !== 401 || !this.credential.isRenewable) return read<T>(first);
    const renewed = await this.credential.renew('refused').catch(() => null);
    return read<T>(renewed === null ? first : await this.answer(method, path + queryText(query), body, signal));
  }

  private async answer(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    const late = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const signature = await this.credential.forApi();
      if (!signature) throw new ApiProblem(401, 'no_credential', 'Nobody is signed in.');
      return await this.get(this.url + path, {
        method,
        headers: {
          Accept: 'application/json',
          ...signature.headers,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
    } catch (error) {
      if (error instanceof ApiProblem || signal?.aborted) throw error;
      throw new ApiProblem(
        0,
        'unreachable',
        late.aborted ? 'No answer came in time.' : 'The server cannot be reached.',
        null,
        0,
        { cause: error },
      );
    }
  }
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text().catch(() => '');
  const value = parsed(text);
  if (response.ok && value !== undefined) return value as T;
  const problem = typeof (value as Problem | undefined)?.code === 'string' ? (value as Problem) : null;
  const code = problem?.code ?? `http_${response.status}`;
  throw new ApiProblem(
    response.status,
    code,
    problem?.detail ?? problem?.title ?? `The server answered ${response.status}.`,
    problem,
    retryAfterMs(response.headers.get('retry-after'), Date.now()),
  );
}

function parsed(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function queryText(query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : String(value)]],
  );
  return pairs.length > 0 ? `?${new URLSearchParams(pairs as string[][]).toString()}` : '';
}
