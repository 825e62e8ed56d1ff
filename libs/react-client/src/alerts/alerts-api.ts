import type {
  Alert,
  AlertAct,
  AlertFilter,
  AlertGroupPage,
  AlertGroupSearch,
  AlertMessageBody,
  AlertPage,
  AlertSearch,
  AlertStats,
  BulkActed,
  Delivery,
  EntryPage,
  Problem,
  SeenCursor,
  TenantsPage,
  TenantStatsPage,
} from '@tocsin/contracts/wire';
import type { Credential } from '../stream/credential';
import { retryAfterMs } from '../stream/retry-delay';
import { ApiProblem } from './api-problem';

/** The timeout of a request. */
const TIMEOUT_MS = 15_000;
/** How many alerts one bulk request of the API may name. */
const MAX_BULK = 200;

type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/**
 * Typed calls of the REST API. Each rejects with an `ApiProblem`, or with the abort reason of `signal`, and with
 * nothing else. Each times out after 15 s. After a refused token the application is asked for another one, once.
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

  /** A page of alerts in groups. */
  groups({ labels, ...search }: AlertGroupSearch, signal?: AbortSignal): Promise<AlertGroupPage> {
    return this.call('GET', '/alerts/groups', { query: { ...search, ...labelQuery(labels) }, signal });
  }

  alert(alertId: string, signal?: AbortSignal): Promise<Alert> {
    return this.call('GET', `/alerts/${encodeURIComponent(alertId)}`, { signal });
  }

  /** The entries of one alert, the newest first. */
  history(alertId: string, page: { after?: string; limit?: number } = {}, signal?: AbortSignal): Promise<EntryPage> {
    return this.call('GET', `/alerts/${encodeURIComponent(alertId)}/history`, { query: page, signal });
  }

  /** Whom the alert has reached, with every attempt, the deliveries of its newest ringing entries first. */
  async deliveries(alertId: string, signal?: AbortSignal): Promise<Delivery[]> {
    const { deliveries } = await this.call<{ deliveries: Delivery[] }>(
      'GET',
      `/alerts/${encodeURIComponent(alertId)}/deliveries`,
      { signal },
    );
    return deliveries;
  }

  /**
   * Sends a delivery again that failed or expired, under the same id. One that is `unknown` may have been sent already,
   * and needs `mayRepeat`.
   */
  redrive(deliveryId: string, { mayRepeat = false } = {}): Promise<Delivery> {
    return this.call('POST', `/deliveries/${encodeURIComponent(deliveryId)}/redrive`, {
      body: mayRepeat ? { may_repeat: true } : {},
    });
  }

  /** The entries of the event log after a position. */
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

  /** Counts of the alerts that a filter selects. `from` and `to` are those of the chart. */
  stats({ labels, ...query }: AlertFilter & { buckets?: number } = {}, signal?: AbortSignal): Promise<AlertStats> {
    return this.call('GET', '/stats', { query: { ...query, ...labelQuery(labels) }, signal });
  }

  /** The numbers of each tenant, of 32 at most. */
  tenantStats(query: { tenant?: readonly string[] } = {}, signal?: AbortSignal): Promise<TenantStatsPage> {
    return this.call('GET', '/stats/tenants', { query, signal });
  }

  tenants(signal?: AbortSignal): Promise<TenantsPage> {
    return this.call('GET', '/tenants', { signal });
  }

  act(alertId: string, act: AlertAct): Promise<Alert> {
    return this.call('PATCH', `/alerts/${encodeURIComponent(alertId)}`, { body: act });
  }

  /**
   * Does one act on many alerts, 200 in each request, one request after the other. If a request fails, its alerts and
   * all that follow are returned as refused, with its error code. Never rejects.
   */
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

  /** The position up to which this user has seen alerts, on any device. */
  seen(signal?: AbortSignal): Promise<SeenCursor> {
    return this.call('GET', '/me/cursor', { signal });
  }

  /** Sets the seen position, by a stream's cursor or tenant by tenant. The position never moves back. */
  markSeen(cursor: string | SeenCursor): Promise<SeenCursor> {
    // a page that is left at once must not lose it
    return this.call('PUT', '/me/cursor', { body: typeof cursor === 'string' ? { cursor } : cursor, keepalive: true });
  }

  /** Publishes a message. The token needs the scope `events:publish`. */
  publish(message: AlertMessageBody): Promise<unknown> {
    return this.call('POST', '/events', { body: message });
  }

  /** Makes any call of the API, for routes that have no method here. `path` begins with a slash. */
  async call<T>(
    method: string,
    path: string,
    { query, body, ...how }: { query?: Query; body?: unknown; signal?: AbortSignal; keepalive?: boolean } = {},
  ): Promise<T> {
    const first = await this.answer(method, path + queryText(query), body, how);
    if (first.status !== 401) return read<T>(first);
    if (!this.credential.isRenewable) return this.refused<T>(first);
    let renewed: string | null;
    try {
      renewed = await this.credential.renew('refused');
    } catch {
      // the application could not give a token: that does not mean that the user is signed out
      return read<T>(first);
    }
    const last = renewed === null ? first : await this.answer(method, path + queryText(query), body, how);
    return last.status === 401 ? this.refused<T>(last) : read<T>(last);
  }

  /** Nothing more is asked with a credential that the gateway itself has refused; a proxy's 401 may be a moment's. */
  private async refused<T>(response: Response): Promise<T> {
    if (/^application\/problem\+json\b/i.test(response.headers.get('content-type') ?? '')) this.credential.refuse();
    return read<T>(response);
  }

  private async answer(
    method: string,
    path: string,
    body: unknown,
    { signal, keepalive = false }: { signal?: AbortSignal; keepalive?: boolean },
  ): Promise<Response> {
    const late = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const signature = await this.credential.forApi();
      if (!signature) throw new ApiProblem(401, 'no_credential', 'No user is signed in.');
      return await this.get(this.url + path, {
        method,
        headers: {
          Accept: 'application/json',
          ...signature.headers,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(keepalive && { keepalive }),
        signal: signal ? AbortSignal.any([signal, late]) : late,
      });
    } catch (error) {
      if (error instanceof ApiProblem || signal?.aborted) throw error;
      throw new ApiProblem(
        0,
        'unreachable',
        late.aborted ? 'The server did not respond in time.' : 'The server cannot be reached.',
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

const labelQuery = (labels: AlertFilter['labels'] = {}): Query =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [`label.${key}`, value]));

function queryText(query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : String(value)]],
  );
  return pairs.length > 0 ? `?${new URLSearchParams(pairs as string[][]).toString()}` : '';
}
